"""What a row of a table consists of, and what an object becomes if a row of it changes. Pure."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.attributes import KEYS, attributes_of
from sbkernel.definitions.store.interface import Values
from sbkernel.definitions.tables.schema import TABLES_OF
from sbkernel.definitions.xcattables.columns import Table, attribute_in, column_of, is_yes, settled, shown_in

Row = dict[str, str]
Cells = Mapping[str, str | None]
"""New values of a row by column; None or "" clears."""

DECIDING = ("mgt", "nodetype")
"""Attributes of a node that decide which column shows other attributes. Groups can lend them."""


class TableRow(NamedTuple):
    """A row, and the object that it is part of."""

    objtype: str
    name: str
    row: Row


def row_of(table: Table, objtype: str, name: str, values: Mapping[str, str], deciding: Mapping[str, str]) -> Row | None:
    """Return the row of an object in a table; None if it has none. `deciding` are its values with what is lent."""
    row = _cells(table, objtype, values, deciding)
    if not row and not always(table, objtype, values):
        return None
    if table.name == "nodegroup" and "grouptype" in row:
        row["members"] = row["grouptype"]
    return {**_name(table, objtype, name), **row}


def _cells(table: Table, objtype: str, values: Mapping[str, str], deciding: Mapping[str, str]) -> Row:
    attributes, prefix = shown_in(table.name, objtype), f"{table.name}."
    row = {column: values[key] for key, column in attributes.always.items() if key in values}
    for key in attributes.sometimes:
        if key in values and (column := column_of(objtype, key, deciding)).startswith(prefix):
            row[column.removeprefix(prefix)] = values[key]
    row.update({key.removeprefix(prefix): values[key] for key in values if key.startswith(prefix)})
    return row


def always(table: Table, objtype: str, values: Mapping[str, str]) -> bool:
    """Tell whether an object has a row in this table even if none of its columns is set."""
    if objtype in ("node", "group"):
        return table.name == "nodelist" if objtype == "node" else table.name == "nodegroup" and "grouptype" in values
    return TABLES_OF.get(objtype, (table.name,))[0] == table.name


def _name(table: Table, objtype: str, name: str) -> Row:
    if objtype == "passwd":
        return {"key": name.partition(":")[0]}
    if objtype.startswith("table."):
        return {}
    return {KEYS[objtype] if objtype == table.objtype and KEYS[objtype] in table.columns else table.keys[0]: name}


def with_cells(
    table: Table, objtype: str, values: Mapping[str, str], cells: Cells, deciding: Mapping[str, str]
) -> Values:
    """Return the values of an object after a change of its row."""
    whole = dict(values)
    for column, value in cells.items():
        if column in _name(table, objtype, "") or f"{table.name}.{column}" == "nodegroup.members":
            continue
        attribute = attribute_of_cell(table, objtype, column, {**deciding, **whole})
        whole[attribute] = value or ""
    return settled(objtype, {key: value for key, value in whole.items() if value})


def attribute_of_cell(table: Table, objtype: str, column: str, deciding: Mapping[str, str]) -> str:
    """Return the attribute that a column shows for an object."""
    return attribute_in(objtype, f"{table.name}.{column}", deciding)


def without_row(table: Table, objtype: str, values: Mapping[str, str], deciding: Mapping[str, str]) -> Values:
    """Return the values of an object without those that a table shows."""
    prefix = f"{table.name}."
    return {key: value for key, value in values.items() if not column_of(objtype, key, deciding).startswith(prefix)}


def is_enabled(row: Mapping[str, str]) -> bool:
    """Tell whether a row counts. One with disable=1 or yes does not."""
    return not is_yes(row.get("disable", ""))


@functools.cache
def is_secret_cell(table: Table, column: str) -> bool:
    """Tell whether a column of a table is printed as ***."""
    objtype = "node" if table.of_nodes else table.objtype
    attributes = attributes_of(objtype).values()
    return any(one.secret for one in attributes if f"{table.name}.{column}" in one.places) or (
        attributes_of(f"table.{table.name}")[column].secret
    )
