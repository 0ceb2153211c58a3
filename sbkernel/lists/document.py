"""A list file: lines that know their place, and edits that change no other byte. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple, Self

from sbkernel.errors import ListFileError
from sbkernel.lists.diagnostic import Diagnostic, Severity


class ListLine(NamedTuple):
    """One line of a list file, without its end."""

    file: str
    number: int
    text: str
    trace: tuple[str, ...] = ()
    """Where the file was included, innermost first: `file:line`."""

    def error(self, message: str, *, hint: str | None = None) -> ListFileError:
        """Return an error that names this line."""
        return ListFileError(self.file, self.number, message, hint=hint)

    def note(self, severity: Severity, message: str, remedy: str, column: int = 1) -> Diagnostic:
        """Return a diagnostic of this line."""
        return Diagnostic(self.file, self.number, column, severity, message, remedy, self.trace)


class ListRow(NamedTuple):
    """A line and its end; the end is empty if the file stops without one."""

    text: str
    end: str = "\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """The rows of one file; `render` returns exactly the text that was parsed."""

    file: str
    rows: tuple[ListRow, ...]

    @classmethod
    def parse(cls, text: str, file: str) -> Self:
        r"""Cut a text at \n, as Perl does; a \r stays part of its line."""
        *whole, rest = text.split("\n")
        return cls(file, (*map(ListRow, whole), *([ListRow(rest, "")] if rest else [])))

    def lines(self, trace: tuple[str, ...] = ()) -> Iterator[ListLine]:
        """Yield the lines."""
        for number, row in enumerate(self.rows, start=1):
            yield ListLine(self.file, number, row.text, trace)

    def render(self) -> str:
        """Return the text."""
        return "".join(row.text + row.end for row in self.rows)

    def replaced(self, number: int, text: str) -> Document:
        """Return the document with another text in one line."""
        rows = list(self.rows)
        rows[number - 1] = rows[number - 1]._replace(text=text)
        return Document(self.file, tuple(rows))

    def without(self, number: int) -> Document:
        """Return the document without one line."""
        return Document(self.file, (*self.rows[: number - 1], *self.rows[number:]))

    def inserted(self, after: int, text: str) -> Document:
        """Return the document with a new line after line `after` (0: at the top). It ends like the line before it."""
        before = [row if row.end else row._replace(end="\n") for row in self.rows[:after]]
        carriage = "\r" if before and before[-1].text.endswith("\r") else ""
        return Document(self.file, (*before, ListRow(text + carriage), *self.rows[after:]))
