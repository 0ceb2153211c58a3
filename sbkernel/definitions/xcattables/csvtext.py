"""The CSV of tabdump and tabrestore, as xCAT writes and reads it. Pure.

#key,value,comments,disable
"master","10.0.0.1",,
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple


class CsvRecord(NamedTuple):
    """One record of a file: its number, from 0 after the header, its text, and its fields or what is wrong with it."""

    number: int
    text: str
    fields: tuple[str, ...] = ()
    fault: str = ""


def render(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield the lines of a table: the header, then one for each row, or several if a value has a newline."""
    yield "#" + ",".join(columns)
    yield from (",".join(_quoted(row.get(column, "")) for column in columns) for row in rows)


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if value else ""


def columns_of(header: str) -> list[str]:
    """Return the columns that a header line names. Spreadsheets quote them."""
    return header.replace('"', "").removeprefix("#").rstrip().split(",")


def records(lines: Sequence[str], width: int) -> Iterator[CsvRecord]:
    """Read the lines after the header, with at most `width` fields each. A wrong record does not stop it."""
    number = 0
    while number < len(lines):
        record = _Reader(lines, number, width).read()
        yield record
        number = record.number + 1


class _FaultError(Exception):
    """A record that cannot be read."""


class _Reader:
    """Reads one record, which spans several lines if a quoted field does."""

    def __init__(self, lines: Sequence[str], number: int, width: int) -> None:
        self._lines = lines
        self._number = number
        self._width = width
        self._text = self._rest = lines[number].rstrip()

    def read(self) -> CsvRecord:
        try:
            fields = tuple(self._field() for _ in range(self._width))
            if self._rest:
                raise _FaultError(f"Too many fields on line {self._number}: {self._text} | {self._rest}")
        except _FaultError as fault:
            return CsvRecord(self._number, self._text, fault=str(fault))
        return CsvRecord(self._number, self._text, fields)

    def _field(self) -> str:
        if not self._rest or self._rest.startswith(","):
            self._rest = self._rest[1:]
            return ""
        plain = self._rest.partition(",")[0]
        if '"' not in plain:
            self._rest = self._rest[len(plain) + 1 :]
            return plain
        if not plain.startswith('"'):
            raise self._fault('missing opening " for record with " characters')
        return self._quoted_field()

    def _quoted_field(self) -> str:
        end = self._closing_quote(1)
        if self._rest[end + 1 : end + 2] not in ("", ","):
            raise self._fault('unescaped " in record')
        value = self._rest[1:end].replace('""', '"')
        self._rest = self._rest[end + 2 :]
        return value

    def _closing_quote(self, start: int) -> int:
        while True:
            found = self._rest.find('"', start)
            if found < 0:
                start = len(self._rest)
                self._take_next_line()
            elif self._rest.startswith('""', found):
                start = found + 2
            else:
                return found

    def _take_next_line(self) -> None:
        self._number += 1
        if self._number >= len(self._lines):
            raise self._fault('unmatched " in record')
        self._rest = f"{self._rest}\n{self._lines[self._number]}".rstrip()

    def _fault(self, what: str) -> _FaultError:
        where = self._text.find(self._rest)
        return _FaultError(f"CSV {what} on line {self._number}, character {where}: {self._text}")
