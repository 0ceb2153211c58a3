"""xCAT's tables and columns, and the attributes that they show. Pure.

Every table is a view: a row of nodehm is what a node or group has of the attributes whose column is nodehm.*.
A column that no attribute shows is kept with the object under the name `table.column`, which listings leave out.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.attributes import KEYS, attributes_of
from sbkernel.definitions.tables.attribute import Attribute
from sbkernel.definitions.tables.schema import COLUMNS, NODE_KEYS, NOT_OF_NODES, TABLES_OF, Columns
from sbkernel.errors import NotFoundError


class Table(NamedTuple):
    """One of xCAT's tables."""

    name: str
    columns: tuple[str, ...]
    """In the order of tabdump."""
    keys: tuple[str, ...]
    """The columns that tell rows apart, the object's name first."""
    objtype: str
    """The type whose objects are its rows; with `of_nodes`, of rows beyond a node's or group's first."""
    of_nodes: bool
    """Whether nodes and groups are its rows."""

    @property
    def is_named_by_key(self) -> bool:
        """Say whether the first key alone is the name of the object."""
        return len(self.keys) == 1 and self.objtype not in ("firmware", "network")


class Location(NamedTuple):
    """Where xCAT keeps an attribute: table, the column of the object's name, column."""

    table: str
    key: str
    column: str


def _table(name: str, columns: Columns) -> Table:
    of_nodes = name not in NOT_OF_NODES and (NODE_KEYS.get(name) or "node") == columns.keys[0]
    owners = (objtype for objtype, tables in TABLES_OF.items() if name in tables)
    return Table(name, *columns, next(owners, name if name in KEYS else f"table.{name}"), of_nodes)


TABLES: Mapping[str, Table] = {name: _table(name, columns) for name, columns in COLUMNS.items()}


def table_of(name: str) -> Table:
    """Return a table; NotFoundError when there is none of that name."""
    if name not in TABLES:
        raise NotFoundError(f"No such table: {name}")
    return TABLES[name]


def place(table: str, column: str) -> tuple[str, str]:
    """Return the object type and attribute that a column shows; NotFoundError for an unknown column.

    A node table's columns are attributes of `node`, which groups have too. The key column gives the name of the key.
    """
    found = TABLES.get(table)
    if found is None or column not in found.columns:
        raise NotFoundError(f"{table}.{column} not a valid table.column description")
    objtype = "node" if found.of_nodes else found.objtype
    if column == found.keys[0]:
        return objtype, KEYS.get(objtype, column)
    names = [one.name for one in _by_column(objtype).get(f"{table}.{column}", ())]
    return objtype, names[0] if names else f"{table}.{column}"


def attribute_in(objtype: str, column: str, values: Mapping[str, str]) -> str:
    """Return the attribute that lies in `table.column` for an object with these values.

    Where none does, such as openbmc.bmc of a node that mgt does not make one, it is the name of the column.
    """
    fitting = [one for one in _by_column(objtype).get(column, ()) if _column(one, values) == column]
    best = [one for one in fitting if one.needs is not None and _wanted(one, values)]
    return (best or fitting)[0].name if fitting else column


def value_in(objtype: str, column: str, values: Mapping[str, str]) -> str:
    """Return what `table.column` shows of an object that has these values, its groups' among them; "" when unset."""
    return values.get(attribute_in(objtype, column, values), "")


def settled(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values with those kept as `table.column` moved to the attribute that has become theirs."""
    whole = dict(values)
    for name in [key for key in values if "." in key and key in _by_column(objtype)]:
        attribute = attribute_in(objtype, name, values)
        if attribute != name:
            whole.setdefault(attribute, whole.pop(name))
    return whole


def location(objtype: str, attribute: str, values: Mapping[str, str]) -> Location | None:
    """Return where xCAT keeps an attribute of an object; None for one of ours that no table shows."""
    if objtype == "site":
        return Location("site", "key", attribute)
    column = column_of(objtype, attribute, values)
    if not column:
        return None
    table, _, name = column.partition(".")
    return Location(table, TABLES[table].keys[0], name)


def column_of(objtype: str, attribute: str, values: Mapping[str, str]) -> str:
    """Return the `table.column` of an attribute of an object; "" when no table shows it."""
    known = attributes_of(objtype).get(attribute) or attributes_of(objtype).get(attribute.partition(".")[0])
    if known is not None:
        return _column(known, values)
    return attribute if attribute.partition(".")[0] in TABLES else ""


class _Shown(NamedTuple):
    """Which attributes of a type a table shows."""

    always: Mapping[str, str]
    """Attribute and column, whatever the object is."""
    sometimes: tuple[str, ...]
    """Attributes that lie here or elsewhere: what other attributes say decides."""


@functools.cache
def shown_in(table: str, objtype: str) -> _Shown:
    """Return which attributes of a type a table may show."""
    here = [one for one in attributes_of(objtype).values() if any(_table_in(place) == table for place in one.places)]
    always = {one.name: one.column.partition(".")[2] for one in here if one.instead is None}
    return _Shown(always, tuple(one.name for one in here if one.instead is not None))


def _table_in(place: str) -> str:
    return place.partition(".")[0]


def enabled(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values without those in rows that are disabled; the columns that say so stay."""
    off = {_table_in(key) for key, value in values.items() if key.endswith(".disable") and is_yes(value)} - {"nodelist"}
    return {
        key: value
        for key, value in values.items()
        if key.endswith(".disable") or _table_in(column_of(objtype, key, values)) not in off
    }


def is_yes(value: str) -> bool:
    """Say whether a value of the column `disable` switches its row off (xCAT: 1 or yes)."""
    return value.lower() in ("1", "yes", "y")


def is_hidden(objtype: str, attribute: str) -> bool:
    """Say whether this is a column that only tables show, kept as `table.column`."""
    table, dot, _ = attribute.partition(".")
    known = attributes_of(objtype)
    return bool(dot) and table in TABLES and attribute not in known and table not in known


def _column(attribute: Attribute, values: Mapping[str, str]) -> str:
    if attribute.instead is None:
        return attribute.column
    other, columns = attribute.instead
    found = (columns[one] for one in values.get(other, "").split(",") if one in columns)
    return next(found, attribute.column)


def _wanted(attribute: Attribute, values: Mapping[str, str]) -> bool:
    if attribute.needs is None:
        return True
    other, wanted = attribute.needs
    return not set(values.get(other, "").split(",")).isdisjoint(wanted)


@functools.cache
def _by_column(objtype: str) -> Mapping[str, tuple[Attribute, ...]]:
    found: dict[str, tuple[Attribute, ...]] = {}
    for attribute in attributes_of(objtype).values():
        for column in attribute.places:
            found[column] = (*found.get(column, ()), attribute)
    return found
