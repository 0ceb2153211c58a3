"""What chtab and tabch share: they change, add or remove rows of several tables, all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sbkernel.cli.defmessages import complain
from sbkernel.cli.tabwords import NewCell
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.xcattables import rowchange
from sbkernel.definitions.xcattables.columns import TABLES, place
from sbkernel.definitions.xcattables.rowshape import is_secret_cell
from sbkernel.site import Site

_FIRST = ("nodelist", "nodehm", "nodetype", "osimage")
"""Tables that are written first: their columns decide in which column of another table an attribute lies."""


def remove(site: Site, verb: str, keys: Mapping[str, str], tables: Sequence[str]) -> None:
    """Remove the rows with these keys."""
    with site.store.write(verb) as transaction:
        for table in tables:
            rowchange.remove(transaction, table, keys)


def write(site: Site, verb: str, keys: Mapping[str, str], assignments: Sequence[NewCell]) -> list[str]:
    """Change the rows with these keys, or add one if there is none; return the tables in which nothing was written."""
    cells: dict[str, list[rowchange.Cell]] = {}
    for one in assignments:
        place(one.table, one.column)
        cells.setdefault(one.table, []).append(rowchange.Cell(one.column, one.value, one.adds))
        if one.value == HIDDEN and is_secret_cell(TABLES[one.table], one.column):
            complain("Warning", f"{one.table}.{one.column} is ***: the stored value is kept.")
    tables = sorted(cells, key=lambda table: _FIRST.index(table) if table in _FIRST else len(_FIRST))
    with site.store.write(verb) as transaction:
        return [table for table in tables if not rowchange.write(transaction, table, keys, cells[table])]
