"""Parse the words of chtab, tabch and gettab, and do what chtab and tabch do alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sbkernel.cli.definitions.defmessages import complain
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.xcattables import rowchange
from sbkernel.definitions.xcattables.columns import TABLES, place
from sbkernel.definitions.xcattables.rowshape import is_secret_cell
from sbkernel.site import Site

_ASSIGNMENT = re.compile(r"[^.=]+\.[^.=]+=.+", re.DOTALL)


_FIRST = ("nodelist", "nodehm", "nodetype", "osimage")
"""Tables that are written first: their columns decide in which column of another table an attribute lies."""


class NewCell(NamedTuple):
    """One new value. `adds` appends the items that a list with commas lacks."""

    table: str
    column: str
    value: str
    adds: bool


class WrongWordError(Exception):
    """A word that is neither of them."""


def keys(text: str) -> dict[str, str]:
    """Read the keys of rows. Raises WrongWordError with the part that is wrong."""
    found: dict[str, str] = {}
    for part in text.split(","):
        column, equals, value = part.rpartition("=")
        if not equals:
            raise WrongWordError(part)
        found[column] = value
    return found


def is_assignment(text: str) -> bool:
    """Tell whether the word that should be keys is an assignment, because the keys were left out."""
    return _ASSIGNMENT.fullmatch(text.partition(",")[0]) is not None


def assignments(words: Sequence[str]) -> list[NewCell]:
    """Read new values. Raises WrongWordError with the word that is wrong."""
    return [_assignment(word) for word in words]


def _assignment(word: str) -> NewCell:
    where, equals, value = word.partition("=")
    table, dot, column = where.partition(".")
    if not (equals and dot and table and column):
        raise WrongWordError(word)
    return NewCell(table, column.removesuffix("+"), value, column.endswith("+"))


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
