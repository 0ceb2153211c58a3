"""What a reader found in a file: objects, the place of each attribute, and what was not understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.store.interface import Values


class Where(NamedTuple):
    """A place in a file. Lines and columns count from 1; 0 means the whole file or line."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


class Note(NamedTuple):
    """Something that was taken in another form, or not at all."""

    where: Where
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


class FoundObject(NamedTuple):
    """One object of a file."""

    objtype: str
    name: str
    values: Values
    where: Where
    places: Mapping[str, Where] = {}
    """The place of each attribute; else that of the object."""
    only_new: bool = False
    """It is made if there is none, else left as it is."""

    def __repr__(self) -> str:
        return f"{self.objtype} {self.name} at {self.where}"

    def place(self, attribute: str) -> Where:
        """Return the place of an attribute."""
        return self.places.get(attribute, self.where)


class Found(NamedTuple):
    """What a file or directory contains."""

    kind: str
    """stanza, tabdump or warewulf."""
    items: list[FoundObject]
    notes: list[Note]
    with_lent: bool = False
    """Whether nodes include what their groups lend them, as lsdef -z prints them."""
