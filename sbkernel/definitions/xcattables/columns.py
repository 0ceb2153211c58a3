"""xCAT's tables and columns, and the attributes that they show. Pure.

Every table is a view: a row of nodehm shows the attributes of a node or group whose column is nodehm.*. A column
that no attribute shows is stored with the object under the name `table.column`, which listings leave out.
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
    """The columns that identify a row, the name of the object first."""
    objtype: str
    """The type of the objects that its rows show; with `of_nodes`, of the further rows of a node or group."""
    of_nodes: bool
    """Whether its rows show nodes and groups."""

    @property
    def is_named_by_key(self) -> bool:
        """Tell whether the first key alone is the name of the object."""
        return len(self.keys) == 1 and self.objtype not in ("firmware", "network")


class Location(NamedTuple):
    """Where xCAT keeps an attribute: the table, the column with the name of the object, and the column."""

    table: str
    key: str
    column: str


def _table(name: str, columns: Columns) -> Table:
    of_nodes = name not in NOT_OF_NODES and (NODE_KEYS.get(name) or "node") == columns.keys[0]
    owners = (objtype for objtype, tables in TABLES_OF.items() if name in tables)
    return Table(name, *columns, next(owners, name if name in KEYS else f"table.{name}"), of_nodes)


TABLES: Mapping[str, Table] = {name: _table(name, columns) for name, columns in COLUMNS.items()}


def table_of(name: str) -> Table:
    """Return a table. Raises NotFoundError if there is none of that name."""
    if name not in TABLES:
        raise NotFoundError(f"No such table: {name}")
    return TABLES[name]


def place(table: str, column: str) -> tuple[str, str]:
    """Return the object type and the attribute that a column shows. Raises NotFoundError for an unknown column.

    The columns of a node table are attributes of `node`, which groups have, too. The key column gives its own name.
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
    """Return the attribute that `table.column` shows for an object with these values.

    If it shows none, such as openbmc.bmc for a node with mgt=ipmi, this is the name of the column.
    """
    fitting = [one for one in _by_column(objtype).get(column, ()) if _column(one, values) == column]
    best = [one for one in fitting if one.needs is not None and _wanted(one, values)]
    return (best or fitting)[0].name if fitting else column


def value_in(objtype: str, column: str, values: Mapping[str, str]) -> str:
    """Return what `table.column` shows for an object with these values, inherited ones included; "" if it is unset."""
    return values.get(attribute_in(objtype, column, values), "")


def settled(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values. Each that is stored as `table.column` moves to the attribute that shows this column now."""
    whole = dict(values)
    for name in [key for key in values if "." in key and key in _by_column(objtype)]:
        attribute = attribute_in(objtype, name, values)
        if attribute != name:
            whole.setdefault(attribute, whole.pop(name))
    return whole


def location(objtype: str, attribute: str, values: Mapping[str, str]) -> Location | None:
    """Return where xCAT keeps an attribute of an object; None for our own, which no table shows."""
    if objtype == "site":
        return Location("site", "key", attribute)
    column = column_of(objtype, attribute, values)
    if not column:
        return None
    table, _, name = column.partition(".")
    return Location(table, TABLES[table].keys[0], name)


def column_of(objtype: str, attribute: str, values: Mapping[str, str]) -> str:
    """Return the `table.column` of an attribute of an object; "" if no table shows it."""
    known = attributes_of(objtype).get(attribute) or attributes_of(objtype).get(attribute.partition(".")[0])
    if known is not None:
        return _column(known, values)
    return attribute if attribute.partition(".")[0] in TABLES else ""


class _Shown(NamedTuple):
    """The attributes of a type that a table shows."""

    always: Mapping[str, str]
    """Attribute and column, for every object."""
    sometimes: tuple[str, ...]
    """Attributes that this table shows or another one, depending on other attributes."""


@functools.cache
def shown_in(table: str, objtype: str) -> _Shown:
    """Return the attributes of a type that a table may show."""
    here = [one for one in attributes_of(objtype).values() if any(_table_in(place) == table for place in one.places)]
    always = {one.name: one.column.partition(".")[2] for one in here if one.instead is None}
    return _Shown(always, tuple(one.name for one in here if one.instead is not None))


def _table_in(place: str) -> str:
    return place.partition(".")[0]


def enabled(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values without those in disabled rows. The columns `disable` themselves stay."""
    off = {_table_in(key) for key, value in values.items() if key.endswith(".disable") and is_yes(value)} - {"nodelist"}
    return {
        key: value
        for key, value in values.items()
        if key.endswith(".disable") or _table_in(column_of(objtype, key, values)) not in off
    }


def is_yes(value: str) -> bool:
    """Tell whether a value of the column `disable` disables the row (xCAT: 1 or yes)."""
    return value.lower() in ("1", "yes", "y")


def is_hidden(objtype: str, attribute: str) -> bool:
    """Tell whether this is a column that only tables show, stored as `table.column`."""
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
