"""Read tables as tabdump and dumpxCATdb write them: one NAME.csv a table. Pure.

Rows are inserted as tabrestore inserts them, so that they become the same objects. If a row is refused, each of its
values is tried alone, so that one bad value does not cost the others.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sbkernel.definitions.importing.found import Found, FoundObject, Note, Where
from sbkernel.definitions.store.interface import Key, Values
from sbkernel.definitions.xcattables.columns import TABLES, Table
from sbkernel.definitions.xcattables.rowedit import LOGS, insert
from sbkernel.definitions.xcattables.rowshape import is_enabled
from sbkernel.errors import DefinitionError, ListFileError

# Read first: nodes, groups, and what decides which attribute a column belongs to.
_FIRST = ("nodelist", "nodegroup", "nodehm", "nodetype", "osimage")


class Sheet:
    """A Transaction in memory. `written` collects the objects that were written since it was last cleared."""

    change: int | None = None

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Values]] = {}
        self._members: dict[str, set[str]] = {}
        self.written: set[Key] = set()

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""
        values = self._objects.get(objtype, {}).get(name)
        return None if values is None else dict(values)

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`."""
        return {name: values for name in names if (values := self.get(objtype, name)) is not None}

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""
        return sorted(self._objects.get(objtype, {}))

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""
        return self.get_many(objtype, self.names(objtype))

    def types(self) -> list[str]:
        """Return the types of which there are objects."""
        return list(self._objects)

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""
        return sorted(self._members.get(group, ()))

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""
        return sorted(group for group, members in self._members.items() if members)

    def put(self, objtype: str, name: str, values: Mapping[str, str]) -> None:
        """Write an object whole."""
        self.delete(objtype, name)
        self._objects.setdefault(objtype, {})[name] = dict(values)
        self.written.add((objtype, name))
        for group in values.get("groups", "").split(",") if objtype == "node" else ():
            self._members.setdefault(group, set()).add(name)

    def put_many(self, objtype: str, objects: Mapping[str, Mapping[str, str]]) -> None:
        """Write objects whole."""
        for name, values in objects.items():
            self.put(objtype, name, values)

    def delete(self, objtype: str, name: str) -> None:
        """Remove an object. Nothing happens if there is none."""
        before = self._objects.get(objtype, {}).pop(name, {})
        for group in before.get("groups", "").split(",") if objtype == "node" else ():
            self._members.get(group, set()).discard(name)

    def forget(self, until: int) -> None:
        """Do nothing: there is no journal."""


class _Row(NamedTuple):
    where: Where
    cells: dict[str, str]


def read(files: Mapping[Path, str]) -> Found:
    """Read the text of each file. Raises ListFileError if one is not CSV."""
    reader = _Reader()
    for file in sorted(files, key=lambda file: (_rank(file), file.name)):
        reader.take(file, files[file])
    return Found("tabdump", reader.items(), reader.notes)


def _name(file: Path) -> str:
    return file.name.partition(".")[0]


def _rank(file: Path) -> int:
    return _FIRST.index(_name(file)) if _name(file) in _FIRST else len(_FIRST)


class _Reader:
    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._sheet = Sheet()
        self._where: dict[Key, Where] = {}
        self._places: dict[Key, dict[str, Where]] = {}

    def items(self) -> list[FoundObject]:
        """Return the objects that the rows make."""
        return [
            FoundObject(objtype, name, values, self._where[objtype, name], self._places[objtype, name])
            for objtype in self._sheet.types()
            for name, values in self._sheet.objects(objtype).items()
        ]

    def take(self, file: Path, text: str) -> None:
        """Read the rows of one table."""
        table, rows = TABLES.get(_name(file)), list(_rows(file, text, self.notes))
        if table is None or table.name in LOGS:
            why = "there is no such table" if table is None else "it is a log"
            self._note(Where(str(file)), f"table {_name(file)}: {why}; {len(rows)} rows are not taken")
            return
        for row in rows:
            self._row(table, self._known(table, row))

    def _known(self, table: Table, row: _Row) -> _Row:
        for column in (column for column in row.cells if column not in table.columns):
            self._note(row.where, f"table {table.name} has no column {column}; its values are not taken")
        return row._replace(cells={key: value for key, value in row.cells.items() if key in table.columns})

    def _row(self, table: Table, row: _Row) -> None:
        if not is_enabled(row.cells):
            self._note(row.where, f"table {table.name}: the row of {_shown(table, row)} is disabled, and not taken")
        elif not self._insert(table, row):
            self._insert_each(table, row)

    def _insert(self, table: Table, row: _Row) -> bool:
        with contextlib.suppress(DefinitionError):
            self._write(table, row)
            return True
        return False

    def _insert_each(self, table: Table, row: _Row) -> None:
        key = {column: value for column, value in row.cells.items() if column in table.keys}
        for column in [column for column in row.cells if column not in key] or [table.keys[0]]:
            try:
                self._write(table, row._replace(cells=key | {column: row.cells.get(column, "")}))
            except DefinitionError as error:
                self._note(row.where, f"{table.name}.{column} of {_shown(table, row)} is not taken: {error.message}")

    def _write(self, table: Table, row: _Row) -> None:
        self._sheet.written.clear()
        insert(self._sheet, table.name, row.cells)
        for key in self._sheet.written:
            self._where.setdefault(key, row.where)
            places = self._places.setdefault(key, {})
            for attribute in self._sheet.get(*key) or {}:
                places.setdefault(attribute, row.where)

    def _note(self, where: Where, text: str) -> None:
        self.notes.append(Note(where, text))


def _shown(table: Table, row: _Row) -> str:
    return row.cells.get(table.keys[0], "") or "no name"


def _rows(file: Path, text: str, notes: list[Note]) -> Iterator[_Row]:
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    header: list[str] = []
    line = 1
    try:
        for record in lines:
            where, line = Where(str(file), line), lines.line_num + 1
            if not header:
                header = _header(where, record)
            elif record:
                if len(record) > len(header):
                    notes.append(Note(where, f"{len(record) - len(header)} fields too many; they are not taken"))
                cells = dict(zip(header, record, strict=False))
                yield _Row(where, {column: value for column, value in cells.items() if value})
    except csv.Error as error:
        raise ListFileError(file, line, f"not CSV: {error}") from None


def _header(where: Where, record: list[str]) -> list[str]:
    if not record or not record[0].startswith("#"):
        raise ListFileError(where.file, where.line, "Data missing header line starting with #")
    return [record[0][1:], *record[1:]]
