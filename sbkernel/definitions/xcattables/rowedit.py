"""Change rows of xCAT's tables inside a transaction: attributes of objects, under the names of columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sbkernel.definitions import objects
from sbkernel.definitions.attributes import SITE, attribute_of, attributes_of
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import check_name, check_value
from sbkernel.definitions.xcattables.columns import TABLES, Table, table_of
from sbkernel.definitions.xcattables.rows import deciding
from sbkernel.definitions.xcattables.rowshape import (
    Cells,
    Row,
    TableRow,
    always,
    attribute_of_cell,
    row_of,
    with_cells,
    without_row,
)
from sbkernel.errors import DefinitionError

LOGS = ("auditlog", "eventlog")
_TABLES = [table for table in TABLES.values() if table.of_nodes and len(table.keys) > 1]


def insert(transaction: Transaction, table: str, row: Mapping[str, str]) -> TableRow:
    """Write a row to the object that it belongs to, and make the object if it does not exist.

    A row of a node table whose key is not a node is stored for a group, or a later node, of that name.
    """
    found = table_of(table)
    _refuse_logs(found)
    if not row.get(found.keys[0]) and found.name != "networks":
        raise DefinitionError(f"{found.name}: a row needs a value of its key {found.keys[0]}")
    objtype, name = _object_of(transaction, found, row)
    _write(transaction, found, objtype, name, row)
    return TableRow(objtype, name, dict(row))


def update(transaction: Transaction, table: str, before: TableRow, cells: Cells) -> None:
    """Change columns of a row. A new key moves the row. Raises DefinitionError if the row is the object itself."""
    found = table_of(table)
    _refuse_logs(found)
    moved = {key for key in found.keys if key in cells and cells[key] != before.row.get(key)}
    if moved and before.objtype != "passwd":
        _move(transaction, found, before, cells)
    else:
        _write(transaction, found, before.objtype, before.name, cells)


def replace(transaction: Transaction, table: str, before: TableRow, row: Row) -> None:
    """Replace a row by one with the same key: columns that are not in `row` are cleared."""
    update(transaction, table, before, {**dict.fromkeys(before.row, ""), **row})


def delete(transaction: Transaction, table: str, *rows: TableRow) -> None:
    """Remove rows. If a row is the object itself, such as a row of nodelist, the object is removed."""
    found = table_of(table)
    _refuse_logs(found)
    for row in rows:
        _delete(transaction, found, row)
    if found.name == "nodelist":
        forget(transaction, {row.name for row in rows})


def _delete(transaction: Transaction, table: Table, before: TableRow) -> None:
    if before.objtype == "site":
        _write_site(transaction, before.name, dict.fromkeys(("value", "comments", "disable"), ""))
        return
    values = transaction.get(before.objtype, before.name) or {}
    if before.objtype != "group" and always(table, before.objtype, values):
        transaction.delete(before.objtype, before.name)
        return
    left = without_row(table, before.objtype, values, _deciding(transaction, before.objtype, values))
    _put(transaction, before.objtype, before.name, left)


def key_of(table: str, row: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values that identify a row in its table."""
    return tuple(row.get(key, "") for key in table_of(table).keys)


def _refuse_logs(table: Table) -> None:
    if table.name in LOGS:
        raise DefinitionError(f"{table.name} is written by sb alone", hint="tabprune removes its oldest records.")


def _object_of(transaction: Transaction, table: Table, row: Mapping[str, str]) -> tuple[str, str]:
    name, whole_key = row.get(table.keys[0], ""), " ".join(key_of(table.name, row))
    if table.objtype == "passwd":
        return "passwd", _login(transaction, name, row.get("username", ""))
    if table.objtype == "network":
        return "network", name or _network(row)
    if not table.of_nodes:
        return table.objtype, whole_key if table.objtype.startswith("table.") else name
    if transaction.get(table.objtype, whole_key) is not None:
        return table.objtype, whole_key
    objtype = "node" if table.name == "nodelist" or transaction.get("node", name) is not None else "group"
    values = transaction.get(objtype, name) or {}
    there = row_of(table, objtype, name, values, _deciding(transaction, objtype, values))
    if there is not None and len(table.keys) > 1 and key_of(table.name, there) != key_of(table.name, row):
        return table.objtype, whole_key
    return objtype, name


def _login(transaction: Transaction, key: str, username: str) -> str:
    """Return the name of a login: its key, or key:user if the key has another user."""
    there = transaction.get("passwd", key)
    return key if there is None or there.get("username", "") == username else f"{key}:{username}"


def _network(row: Mapping[str, str]) -> str:
    if not (row.get("net") and row.get("mask")):
        raise DefinitionError("networks: a row needs a netname, or net and mask")
    return f"{row['net']}-{row['mask']}".replace(".", "_")


def _move(transaction: Transaction, table: Table, before: TableRow, cells: Cells) -> None:
    values = transaction.get(before.objtype, before.name) or {}
    if before.objtype in ("node", "group", "osimage") and always(table, before.objtype, values):
        raise DefinitionError(f"{table.name}: the key of {before.name} cannot be changed", hint="chdef -n renames it.")
    delete(transaction, table.name, before)
    whole = {**before.row, **cells}
    insert(transaction, table.name, {column: value for column, value in whole.items() if value})


def _write(transaction: Transaction, table: Table, objtype: str, name: str, cells: Cells) -> None:
    if objtype == "site":
        _write_site(transaction, name, cells)
        return
    if not objtype.startswith("table."):
        check_name("group" if objtype == "passwd" else objtype, name)
    before = objects.whole_of(transaction, "node", name) if objtype == "node" else transaction.get(objtype, name) or {}
    decides = _deciding(transaction, objtype, {**before, **{k: v or "" for k, v in cells.items()}})
    _check(table, objtype, name, cells, decides)
    _put(transaction, objtype, name, with_cells(table, objtype, before, cells, decides))


def _check(table: Table, objtype: str, name: str, cells: Cells, decides: Mapping[str, str]) -> None:
    for column, value in cells.items():
        if column not in table.columns:
            raise DefinitionError(f"{table.name}.{column} not a valid table.column description")
        known = attributes_of(objtype).get(attribute_of_cell(table, objtype, column, decides))
        if known is not None and value and known.column.partition(".")[2] != "comments":
            check_value(objtype, known, known.name, value, name)


def _put(transaction: Transaction, objtype: str, name: str, values: Values) -> None:
    if objtype == "node":
        objects.write(transaction, objects.Draft(objtype, name, {}, values, {}))
    elif objtype == "group" and not values:
        transaction.delete(objtype, name)
    else:
        transaction.put(objtype, name, values)


def _write_site(transaction: Transaction, key: str, cells: Cells) -> None:
    if cells.get("value"):
        check_value("site", attribute_of("site", key), key, str(cells["value"]), SITE)
    values = dict(transaction.get("site", SITE) or {})
    names = {"value": key, "comments": f"site.comments.{key}", "disable": f"site.disable.{key}"}
    values.update({names[column]: text or "" for column, text in cells.items() if column in names})
    transaction.put("site", SITE, {name: text for name, text in values.items() if text})


def _deciding(transaction: Transaction, objtype: str, values: Mapping[str, str]) -> Mapping[str, str]:
    if objtype != "node":
        return values
    groups = {group: transaction.get("group", group) or {} for group in values.get("groups", "").split(",") if group}
    return deciding(values, groups)


def forget(transaction: Transaction, nodes: Collection[str]) -> None:
    """Remove the further rows of nodes that no longer exist."""
    gone = set(nodes)
    for table in _TABLES:
        for name, values in transaction.objects(table.objtype).items():
            if values.get(table.keys[0]) in gone:
                transaction.delete(table.objtype, name)
