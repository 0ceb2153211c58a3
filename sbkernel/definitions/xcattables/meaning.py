"""What tables and columns mean, for tabdump -d: the attribute's text where one shows a column. Pure."""

from __future__ import annotations

from sbkernel.definitions.attributes import KEYS, attributes_of
from sbkernel.definitions.tables import meanings
from sbkernel.definitions.xcattables.columns import TABLES, Table


def of_tables() -> dict[str, str]:
    """Return the meaning of every table by name."""
    return {name: meanings.TABLES[name] for name in TABLES}


def of_columns(table: Table) -> dict[str, str]:
    """Return the meaning of every column of a table, in the order of tabdump."""
    return {column: _of_column(table, column) for column in table.columns}


def _of_column(table: Table, column: str) -> str:
    where = f"{table.name}.{column}"
    if where in meanings.COLUMNS:
        return meanings.COLUMNS[where]
    for objtype in dict.fromkeys(("node" if table.of_nodes else table.objtype, table.objtype)):
        for attribute in attributes_of(objtype).values():
            if where in attribute.places and attribute.text:
                return attribute.text
    if column == table.keys[0] and table.objtype in KEYS and not table.of_nodes:
        return f"Name of the {table.objtype}."
    return meanings.COLUMNS.get(column, "Node or group." if column == table.keys[0] else f"{column}.")
