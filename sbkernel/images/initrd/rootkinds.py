"""The kinds of root that a node can have, and what an initrd needs for each beside what it always holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.tables.attribute import ROOT_KINDS
from sbkernel.errors import DefinitionError


class RootKind(NamedTuple):
    """What a kind of root needs: `drivers` of the image's kernel, built in or not, and `programs` beside busybox.

    What makes it on the node is a script of its name in templates/initrd.
    """

    drivers: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()


KINDS: Mapping[str, RootKind] = {ROOT_KINDS[0]: RootKind()}


def root_kinds(attributes: Mapping[str, str]) -> dict[str, RootKind]:
    """Return the kinds that an osimage asks for beside the one that every initrd can make, by name.

    Raises DefinitionError for one that no initrd can make.
    """
    asked = dict.fromkeys(filter(None, attributes.get("rootkind", "").split(",")))
    wrong = [name for name in asked if name not in KINDS]
    if wrong:
        raise DefinitionError(
            f"rootkind={wrong[0]}: no initrd of this version can make such a root", hint=f"one of {' '.join(KINDS)}"
        )
    return {name: KINDS[name] for name in asked if name != ROOT_KINDS[0]}


def drivers_of(attributes: Mapping[str, str]) -> list[str]:
    """Return the drivers for the kinds of root that an osimage asks for. DefinitionError as of root_kinds."""
    return sorted({driver for kind in root_kinds(attributes).values() for driver in kind.drivers})
