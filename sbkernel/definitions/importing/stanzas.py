"""Read a stanza file, as lsdef -z and sb export write it. Pure."""

from __future__ import annotations

from sbkernel.definitions import stanza
from sbkernel.definitions.importing.exporting import MARK
from sbkernel.definitions.importing.found import Found, Item, Note, Where


def read(text: str, file: str) -> Found:
    """Read the text of a stanza file; ListFileError for an object without objtype."""
    found = stanza.read(text, file)
    items = []
    for one in found.stanzas:
        lines = found.places[one.objtype, one.name]
        places = {key: Where(file, line) for key, line in lines.attributes.items()}
        items.append(Item(one.objtype, one.name, one.values, Where(file, lines.header), places))
    notes = [Note(Where(file, line), text) for line, text in found.remarks]
    return Found("stanza", items, notes, with_lent=MARK not in text)
