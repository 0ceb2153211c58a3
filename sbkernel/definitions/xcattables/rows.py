"""Read the rows of xCAT's tables from the store, and the conditions of tabdump -w.

rowshape decides what a row consists of.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.store.interface import Store, Transaction, Values
from sbkernel.definitions.xcattables.columns import TABLES, Table, shown_in, table_of
from sbkernel.definitions.xcattables.rowshape import DECIDING, Row, TableRow, row_of
from sbkernel.errors import DefinitionError

_FIRST = "xcatdefaults"
_NODE_TABLES = [table for table in TABLES.values() if table.of_nodes]
_SYNTAX = re.compile(r"([^=!~<>]+)(==|!=|=~|!~|>=|<=|>|<|=)(.*)", re.DOTALL)
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def rows(store: Store, table: str) -> Iterator[Row]:
    """Yield the rows of a table: the columns that are set, by name. Raises NotFoundError if there is no such table."""
    if table == "auditlog":
        yield from _journal(store)
        return
    yield from (found.row for found in located(store, table))


def matching(store: Store, table: str, keys: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows whose columns have these values. It is fast if they include the key of the table."""
    key = keys.get(table_of(table).keys[0], "")
    found = rows(store, table) if table == "auditlog" else (one.row for one in located(store, table, key))
    return (row for row in found if all(row.get(column, "") == value for column, value in keys.items()))


def located(reader: Store | Transaction, table: str, key: str = "") -> Iterator[TableRow]:
    """Yield the rows of a table with their objects, or only those with this `key`. Logs have no objects."""
    found = table_of(table)
    if found.name == "site":
        yield from _of_site(reader.get("site", SITE) or {})
        return
    if found.of_nodes:
        yield from _of_nodes(reader, found, key)
    for name, values in _objects(reader, found.objtype, key if found.is_named_by_key else "").items():
        row = row_of(found, found.objtype, name, values, values)
        if row is not None and (not key or row.get(found.keys[0]) == key):
            yield TableRow(found.objtype, name, row)


def _of_nodes(reader: Store | Transaction, table: Table, key: str) -> Iterator[TableRow]:
    nodes = _objects(reader, "node", key)
    named = {group for values in nodes.values() for group in values.get("groups", "").split(",")} if key else set()
    groups = reader.get_many("group", sorted(named | {key})) if key else reader.objects("group")
    lenders = groups if not key else {key} & groups.keys()
    for name in sorted(lenders, key=_defaults_first):
        row = row_of(table, "group", name, groups[name], groups[name])
        if row is not None:
            yield TableRow("group", name, row)
    depends = bool(shown_in(table.name, "node").sometimes)
    for name, values in nodes.items():
        row = row_of(table, "node", name, values, deciding(values, groups) if depends else values)
        if row is not None:
            yield TableRow("node", name, row)


def _objects(reader: Store | Transaction, objtype: str, name: str) -> dict[str, Values]:
    return reader.get_many(objtype, [name]) if name else reader.objects(objtype)


def _defaults_first(name: str) -> tuple[bool, str]:
    return name != _FIRST, name


def deciding(values: Mapping[str, str], groups: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the values of a node, with those that decide about columns if its groups lend them."""
    whole: dict[str, str] = {}
    for key in DECIDING:
        lenders = (groups.get(group, {}).get(key) for group in values.get("groups", "").split(","))
        lent = values.get(key) or next((value for value in lenders if value), "")
        if lent:
            whole[key] = lent
    return whole


def rows_of(store: Store, names: Sequence[str]) -> set[str]:
    """Return the node tables that have a row for one of these nodes or groups."""
    groups = store.get_many("group", names)
    found: set[str] = set()
    for objtype, objects in (("node", store.get_many("node", names)), ("group", groups)):
        for name, values in objects.items():
            decides = deciding(values, groups) if objtype == "node" else values
            found |= {table.name for table in _NODE_TABLES if row_of(table, objtype, name, values, decides)}
    for table in _NODE_TABLES:
        keys = (values.get(table.keys[0], name) for name, values in store.objects(table.objtype).items())
        found |= {table.name for key in keys if key in names}
    return found


def _of_site(values: Values) -> Iterator[TableRow]:
    """Yield a row for every setting. `site.comments.KEY` and `site.disable.KEY` are its other columns."""
    for key, value in values.items():
        if key.startswith("site."):
            continue
        others = {name: values.get(f"site.{name}.{key}", "") for name in ("comments", "disable")}
        row = {"key": key, "value": value, **{name: text for name, text in others.items() if text}}
        yield TableRow("site", key, row)


def _journal(store: Store) -> Iterator[Row]:
    for change in store.changes():
        entries = store.entries(change.id)
        when = datetime.datetime.fromtimestamp(change.t).astimezone()
        yield {
            "recid": str(change.id),
            "audittime": when.strftime("%Y-%m-%d %H:%M:%S"),
            "userid": change.who,
            "clienttype": "cli",
            "command": change.what,
            "noderange": ",".join(entry.name for entry in entries),
            "args": ",".join(sorted({f"-t {entry.objtype}" for entry in entries})),
            "status": "allowed",
        }


class RowCondition(NamedTuple):
    """One condition on a column, compared as text (xCAT: tabdump -w)."""

    column: str
    operator: str
    value: str

    def holds(self, row: Mapping[str, str]) -> bool:
        """Tell whether it holds for a row. It never does for an unset column, as with NULL in SQL."""
        if self.column not in row:
            return False
        if self.operator.endswith("~"):
            return is_like(row[self.column], self.value) is (self.operator == "=~")
        return _COMPARE[self.operator](row[self.column], self.value)


def is_like(text: str, pattern: str) -> bool:
    """Tell whether SQL's LIKE holds, as in SQLite: % is any text, _ any character; case of ASCII letters is ignored."""
    regex = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE | re.ASCII) is not None


def conditions(texts: Sequence[str], table: Table) -> tuple[RowCondition, ...]:
    """Read conditions for a table. Raises DefinitionError for an unknown column or operator."""
    return tuple(_condition(text, table) for text in texts)


def _condition(text: str, table: Table) -> RowCondition:
    match = _SYNTAX.fullmatch(text)
    if match is None or match[2] == "=":
        raise DefinitionError(f"Unsupported operator:{text} on -w flag input")
    if match[1] not in table.columns:
        raise DefinitionError(f'No column "{match[1]}" in table "{table.name}"')
    return RowCondition(match[1], match[2], match[3])
