"""Refuse what a definition asks for and a verb does not do, as the attribute table says. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.attribute import Use
from sbkernel.errors import DefinitionError


def refuse(one: Definition, verb: str) -> None:
    """Raise DefinitionError for the first attribute of an object that a verb refuses; it says why and what to do."""
    for error in refusals(one, verb):
        raise error


def refusals(one: Definition, verb: str) -> Iterator[DefinitionError]:
    """Yield an error for every attribute of an object that a verb refuses, or that cannot be computed to tell."""
    uses, held = _refused(one.objtype, verb), one.attributes
    yield from (held.faults[name] for name in sorted(uses.keys() & held.faults.keys()))
    for name, use in uses.items():
        value = held.sound.get(name)
        if value is not None and use.refuses(value):
            yield _refusal(one, name, value, use)


@functools.cache
def _refused(objtype: str, verb: str) -> Mapping[str, Use]:
    uses = ((name, attribute.netboot) for name, attribute in attributes_of(objtype).items())
    return {name: use for name, use in sorted(uses) if use and use.kind == "refused" and use.verb == verb}


def _refusal(one: Definition, name: str, value: str, use: Use) -> DefinitionError:
    change = f"sb chdef -t {one.objtype} {one.name} {name}={use.accepts[0] if len(use.accepts) == 1 else ''}"
    lent = " (or the group that lends it)" if one.objtype == "node" else ""
    steps = ", then ".join(filter(None, [use.instead, change + lent]))
    return DefinitionError(f"{name}={value} of {one.objtype} {one.name} is refused: {use.text}", hint=steps)
