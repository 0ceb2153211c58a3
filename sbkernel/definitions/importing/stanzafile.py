"""A whole site as stanza text: sb export writes it, and sb import reads it and the listings of lsdef -z."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sbkernel.definitions import nics, stanza
from sbkernel.definitions.attributes import TYPES
from sbkernel.definitions.definition import printable
from sbkernel.definitions.importing.found import Found, FoundObject, Note, Where
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store.interface import Store, Values
from sbkernel.definitions.xcattables.columns import TABLES

MARK = "# Written by sb export: each object has what is stored with it, and nothing that a group lends it."
_ORDER = ("site", "network", "osimage", "passwd", "group")


def in_order(types: Iterable[str]) -> list[str]:
    """Return object types in the order in which a file has them: those that others refer to come first."""
    return sorted(types, key=lambda objtype: (_ORDER.index(objtype) if objtype in _ORDER else len(_ORDER), objtype))


def stored(store: Store) -> Iterator[tuple[str, dict[str, Values]]]:
    """Yield all objects by type, with the rows of tables that no object shows."""
    types = {*TYPES, *(table.objtype for table in TABLES.values())}
    return ((objtype, store.objects(objtype)) for objtype in in_order(types))


def render(objects: Iterable[tuple[str, Mapping[str, Values]]], *, reveal: bool = False) -> str:
    """Return objects as stanza text for `sb import` and `mkdef -z`. Secrets are ***, unless revealed.

    A stanza file cannot hold a value with a line break: it is left out, and a comment says so.
    """
    every = ((objtype, name, values) for objtype, named in objects for name, values in named.items())
    parts = [_part(*one, reveal) for one in every]
    return "".join([f"{stanza.TITLE}\n{MARK}\n", *parts])


def _part(objtype: str, name: str, values: Values, reveal: bool) -> str:
    shown = _spread(values if reveal else printable(objtype, values))
    return stanza.render([Stanza(objtype, name, shown)]).removeprefix(f"{stanza.TITLE}\n")


def _spread(values: Mapping[str, str]) -> Values:
    """Write nicips as nicips.eth0, if reading it back gives the same value."""
    spread = nics.spread(values)
    return spread if nics.folded({}, spread) == values else dict(values)


def read(text: str, file: str) -> Found:
    """Read the text of a stanza file. Raises DefinitionError for an object without objtype."""
    found = stanza.read(text, file)
    items = []
    for one in found.stanzas:
        lines = found.places[one.objtype, one.name]
        places = {key: Where(file, line) for key, line in lines.attributes.items()}
        items.append(FoundObject(one.objtype, one.name, one.values, Where(file, lines.header), places))
    notes = [Note(Where(file, line), text) for line, text in found.remarks]
    return Found("stanza", items, notes, with_lent=MARK not in text)
