"""Read a stanza file, as lsdef -z and sb export write it. Pure."""

from __future__ import annotations

from sbkernel.definitions import stanza
from sbkernel.definitions.exporting import MARK
from sbkernel.definitions.importing.found import Found, Item, Where


def read(text: str, file: str) -> Found:
    """Read the text of a stanza file; ListFileError when a line of it is nothing."""
    items = [Item(one.objtype, one.name, one.values, Where(file)) for one in stanza.parse(text, file)]
    return Found("stanza", items, [], with_lent=MARK not in text)
