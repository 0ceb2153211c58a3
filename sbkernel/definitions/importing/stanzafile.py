"""A whole site as stanza text: written, and read back, as lsdef -z writes it too."""

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
    """Return object types in the order of a file: what others refer to comes first."""
    return sorted(types, key=lambda objtype: (_ORDER.index(objtype) if objtype in _ORDER else len(_ORDER), objtype))


def stored(store: Store) -> Iterator[tuple[str, dict[str, Values]]]:
    """Yield all objects by type, rows of tables that no object shows included."""
    types = {*TYPES, *(table.objtype for table in TABLES.values())}
    return ((objtype, store.objects(objtype)) for objtype in in_order(types))


def render(objects: Iterable[tuple[str, Mapping[str, Values]]], *, reveal: bool = False) -> str:
    """Return objects by type as stanza text that `sb import` and `mkdef -z` take back; secrets are *** unless revealed.

    A value with a line break has no spelling in a stanza file: it is left out, and a comment says so.
    """
    every = ((objtype, name, values) for objtype, named in objects for name, values in named.items())
    parts = [_part(*one, reveal) for one in every]
    return "".join([f"{stanza.TITLE}\n{MARK}\n", *parts])


def _part(objtype: str, name: str, values: Values, reveal: bool) -> str:
    shown = _spread(values if reveal else printable(objtype, values))
    return stanza.render([Stanza(objtype, name, shown)]).removeprefix(f"{stanza.TITLE}\n")


def _spread(values: Mapping[str, str]) -> Values:
    """Write nicips as nicips.eth0, where reading that back gives the same."""
    spread = nics.spread(values)
    return spread if nics.folded({}, spread) == values else dict(values)


def read(text: str, file: str) -> Found:
    """Read the text of a stanza file; ListFileError for an object without objtype."""
    found = stanza.read(text, file)
    items = []
    for one in found.stanzas:
        lines = found.places[one.objtype, one.name]
        places = {key: Where(file, line) for key, line in lines.attributes.items()}
        items.append(FoundObject(one.objtype, one.name, one.values, Where(file, lines.header), places))
    notes = [Note(Where(file, line), text) for line, text in found.remarks]
    return Found("stanza", items, notes, with_lent=MARK not in text)
