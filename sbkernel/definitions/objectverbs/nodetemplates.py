"""Node templates that are shipped: what a kind of node has, what must be said of it, and what may be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sbkernel.definitions import stanza
from sbkernel.definitions.store.interface import Values
from sbkernel.errors import DefinitionError

_MUST, _MAY = "MANDATORY:", "OPTIONAL:"


def read(shipped: Path) -> dict[str, Values]:
    """Return the templates by name from the directory of all that is shipped."""
    files = sorted((shipped / "nodes").glob("*.stanza"))
    found = (one for file in files for one in stanza.parse(file.read_text(), str(file)))
    return {one.name: one.values for one in found}


def instance(template: Mapping[str, str], given: Mapping[str, str]) -> Values:
    """Return a node's attributes: what is given, and the template's where nothing, "" or 0 is given.

    DefinitionError when something is not given that must be.
    """
    values = dict(given)
    for key, value in sorted(template.items()):
        if given.get(key) not in (None, "", "0"):
            continue
        if value.startswith(_MUST):
            raise DefinitionError(f'The attribute "{key}" must be specified!', hint=value.removeprefix(_MUST))
        if not value.startswith(_MAY):
            values[key] = value
    return {key: value for key, value in values.items() if value}


def copy(source: Mapping[str, str], given: Mapping[str, str]) -> Values:
    """Return a new object's attributes: what is given, and those of an existing object for the rest."""
    return {**{key: value for key, value in source.items() if given.get(key) in (None, "", "0")}, **_set(given)}


def _set(given: Mapping[str, str]) -> Values:
    return {key: value for key, value in given.items() if value not in ("", "0")}
