"""Change or remove rows found by their columns (xCAT: chtab, tabch), or replace all rows (xCAT: tabrestore)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.store.interface import Store, Transaction
from sbkernel.definitions.xcattables import csvtext, rowedit
from sbkernel.definitions.xcattables.columns import TABLES, Table
from sbkernel.definitions.xcattables.rows import located
from sbkernel.definitions.xcattables.rowshape import Row, TableRow, is_secret_cell
from sbkernel.errors import DefinitionError, SbkernelError


class Cell(NamedTuple):
    """A new value of one column. `adds` appends the items that a comma list lacks."""

    column: str
    value: str
    adds: bool = False


def _check_columns(table: str, keys: Mapping[str, str]) -> None:
    """Refuse keys that are not columns of a table."""
    for column in keys:
        if column not in TABLES[table].columns:
            raise DefinitionError(f'No column "{column}" in table "{table}"')


def _matching(reader: Store | Transaction, table: str, keys: Mapping[str, str]) -> list[TableRow]:
    """Return the rows whose columns have these values."""
    found = located(reader, table, keys.get(TABLES[table].keys[0], ""))
    return [one for one in found if all(one.row.get(key, "") == keys[key] for key in keys)]


def write(transaction: Transaction, table: str, keys: Mapping[str, str], cells: list[Cell]) -> bool:
    """Change the rows that match, or add one if there is none. Return whether anything was written."""
    _check_columns(table, keys)
    found = _matching(transaction, table, keys)
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
    _check_columns(table, keys)
    rowedit.delete(transaction, table, *_matching(transaction, table, keys))


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


class RestoreError(SbkernelError):
    """A file cannot be restored, and nothing was changed."""

    def __init__(self, faults: Sequence[str], exit_code: int) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
        self.exit_code = exit_code


class _Incoming(NamedTuple):
    record: csvtext.CsvRecord
    row: Row


def restore(transaction: Transaction, table: Table, lines: Sequence[str], *, append: bool) -> list[str]:
    """Replace the rows of a table by the records of a file, or append them. Return where *** kept a stored secret.

    Raises RestoreError with everything that is wrong. Then the transaction must be rolled back.
    """
    columns = _columns(table, lines)
    records = [_concealed(table, one) for one in csvtext.records(lines[1:], len(columns))]
    incoming = [_Incoming(record, _row(columns, record)) for record in records]
    there = {_key(table, found.row): found for found in located(transaction, table.name)}
    faults = [one.fault for one in records if one.fault] or _clashes(table, incoming, set(there) if append else set())
    if faults:
        raise RestoreError(faults, 4)
    _look_ahead(transaction, table, incoming)
    _remove_others(transaction, table, {} if append else there, incoming)
    return _write(transaction, table, incoming, there)


def _concealed(table: Table, record: csvtext.CsvRecord) -> csvtext.CsvRecord:
    """Keep the text of a record out of messages if it may contain a secret."""
    if not any(is_secret_cell(table, column) for column in table.columns):
        return record
    fault = f"{record.fault.partition(': ')[0]}: {HIDDEN}" if record.fault else ""
    return record._replace(text=HIDDEN if record.text else "", fault=fault)


def _columns(table: Table, lines: Sequence[str]) -> list[str]:
    if not lines or not lines[0].startswith("#"):
        raise RestoreError(["Data missing header line starting with #"], 1)
    columns = csvtext.columns_of(lines[0])
    for column in columns:
        if column not in table.columns:
            fault = f"The header line indicates that column '{column}' should exist, which is not defined in the schema"
            raise RestoreError([f"{fault} for '{table.name}'"], 1)
    return columns


def _row(columns: Sequence[str], record: csvtext.CsvRecord) -> Row:
    return {column: value for column, value in zip(columns, record.fields, strict=False) if value}


def _key(table: Table, row: Row) -> tuple[str, ...]:
    return rowedit.key_of(table.name, row)


def _clashes(table: Table, incoming: Sequence[_Incoming], taken: set[tuple[str, ...]]) -> list[str]:
    faults = []
    for one in incoming:
        key = _key(table, one.row)
        if not one.row:
            faults.append(_fault("", one))
        elif key in taken:
            names = ", ".join(f"{table.name}.{name}" for name in table.keys)
            faults.append(_fault(f"UNIQUE constraint failed: {names}", one))
        taken.add(key)
    return faults


def _fault(text: str, one: _Incoming) -> str:
    return f"DB error {text} with line {one.record.number}: {one.record.text}"


def _look_ahead(transaction: Transaction, table: Table, incoming: Sequence[_Incoming]) -> None:
    """Read at once what writing would read one by one."""
    names = [one.row.get(table.keys[0], "") for one in incoming]
    for objtype in ("node", "group") if table.of_nodes else (table.objtype,):
        transaction.get_many(objtype, names)


def _remove_others(
    transaction: Transaction, table: Table, there: dict[tuple[str, ...], TableRow], incoming: Sequence[_Incoming]
) -> None:
    stays = {_key(table, one.row) for one in incoming}
    rowedit.delete(transaction, table.name, *(found for key, found in there.items() if key not in stays))


def _write(
    transaction: Transaction, table: Table, incoming: Sequence[_Incoming], there: dict[tuple[str, ...], TableRow]
) -> list[str]:
    kept, faults = [], []
    secrets = [column for column in table.columns if is_secret_cell(table, column)]
    for one in incoming:
        before = there.get(_key(table, one.row))
        hidden = [column for column in secrets if one.row.get(column) == HIDDEN]
        kept += [f"{table.name}.{column} of {_key(table, one.row)[0]}" for column in hidden]
        row = _unhidden(one.row, hidden, before.row if before else {})
        try:
            _write_row(transaction, table, before, row)
        except SbkernelError as error:
            faults.append(_fault(error.message, one))
    if faults:
        raise RestoreError(faults, 4)
    return kept


def _unhidden(row: Row, hidden: Sequence[str], before: Row) -> Row:
    whole = {**row, **{column: before.get(column, "") for column in hidden}}
    return {column: value for column, value in whole.items() if value}


def _write_row(transaction: Transaction, table: Table, before: TableRow | None, row: Row) -> None:
    if before is None:
        rowedit.insert(transaction, table.name, row)
    else:
        rowedit.replace(transaction, table.name, before, row)
