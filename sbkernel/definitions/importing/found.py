"""What a reader found in a file: objects, where each attribute stands, and what was not understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.store.interface import Values


class Where(NamedTuple):
    """A place in a file; line and column count from 1, 0: the whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


class Note(NamedTuple):
    """Something that was not taken as it stands, or not at all."""

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
    """Where each attribute stands; one that is not there stands where the object does."""
    only_new: bool = False
    """Made when there is none, else left as it is."""

    def __repr__(self) -> str:
        return f"{self.objtype} {self.name} at {self.where}"

    def place(self, attribute: str) -> Where:
        """Return where an attribute stands."""
        return self.places.get(attribute, self.where)


class Found(NamedTuple):
    """What a file or directory holds."""

    kind: str
    """stanza, tabdump or warewulf."""
    items: list[FoundObject]
    notes: list[Note]
    with_lent: bool = False
    """Whether nodes come with what their groups lend, as lsdef -z prints them."""
