"""Find the rows of a table by their columns, and change or remove them (xCAT: chtab, tabch)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.groups import Reader
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.store.interface import Transaction
from sbkernel.definitions.xcattables import rowedit
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.rows import located
from sbkernel.definitions.xcattables.rowshape import Found, Row, is_secret_cell
from sbkernel.errors import DefinitionError


class Cell(NamedTuple):
    """A new value of one column; `adds` appends items that a comma list lacks."""

    column: str
    value: str
    adds: bool = False


def check_columns(table: str, keys: Mapping[str, str]) -> None:
    """Refuse keys that are no columns of a table."""
    for column in keys:
        if column not in TABLES[table].columns:
            raise DefinitionError(f'No column "{column}" in table "{table}"')


def matching(reader: Reader, table: str, keys: Mapping[str, str]) -> list[Found]:
    """Return the rows whose columns have these values."""
    found = located(reader, table, keys.get(TABLES[table].keys[0], ""))
    return [one for one in found if all(one.row.get(key, "") == keys[key] for key in keys)]


def write(transaction: Transaction, table: str, keys: Mapping[str, str], cells: list[Cell]) -> bool:
    """Change the rows that match, or add one when none does; return whether there was something to write."""
    check_columns(table, keys)
    found = matching(transaction, table, keys)
    for one in found:
        rowedit.update(transaction, table, one, _changed(table, one.row, cells))
    if found:
        return True
    new = {column: value for column, value in _changed(table, {}, cells).items() if value}
    if new:
        rowedit.insert(transaction, table, {**keys, **new})
    return bool(new)


def remove(transaction: Transaction, table: str, keys: Mapping[str, str]) -> None:
    """Remove the rows that match."""
    check_columns(table, keys)
    rowedit.delete(transaction, table, *matching(transaction, table, keys))


def _changed(table: str, before: Row, cells: list[Cell]) -> Row:
    after = dict(before)
    for cell in cells:
        if cell.value == HIDDEN and is_secret_cell(TABLES[table], cell.column):
            continue
        value = "" if cell.value == "NULL" else cell.value
        after[cell.column] = _joined(after.get(cell.column, ""), value) if cell.adds else value
    return {cell.column: after.get(cell.column, "") for cell in cells}


def _joined(before: str, more: str) -> str:
    return ",".join(dict.fromkeys(before.split(",") + more.split(","))) if before else more
