"""Criteria on columns of tables: table.column==value, !=, =~regex, !~regex, and shortnames (nodels(1)). Pure.

Unlike selection strings of -w, an unset column counts as the empty string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sbkernel.definitions.regex import bare, compiled
from sbkernel.definitions.xcattables.columns import TABLES, place, value_in
from sbkernel.errors import NotFoundError

SHORTNAMES = {"groups": ("nodelist", "groups"), "tags": ("nodelist", "groups"), "mgt": ("nodehm", "mgt")}

_SYNTAX = re.compile(r"([^=!~]*)(==|!=|=~|!~)(.*)", re.DOTALL)


class Column(NamedTuple):
    """One column of a table whose rows are nodes and groups."""

    table: str
    column: str

    def value(self, node: str, values: Mapping[str, str]) -> str:
        """Return what it says about a node with these attributes; "" when unset."""
        return node if self.is_key else value_in("node", f"{self.table}.{self.column}", values)

    @property
    def is_key(self) -> bool:
        """Say whether it holds the name of the node."""
        return self.column == TABLES[self.table].keys[0]


class Criterion(NamedTuple):
    """One condition on one column."""

    label: str
    """The column as it was typed."""
    operator: str
    wanted: str

    def holds(self, value: str) -> bool:
        """Say whether a value fulfils it."""
        is_regex = self.operator.endswith("~")
        hit = compiled(self.wanted).search(value) is not None if is_regex else self.wanted == value
        return hit is not self.operator.startswith("!")


def criterion(text: str) -> Criterion | None:
    """Read a criterion; None when the text has no operator. DefinitionError for a bad regular expression."""
    match = _SYNTAX.fullmatch(text)
    if match is None:
        return None
    label, operator, value = match.groups()
    if operator.endswith("~"):
        value = bare(value)
        compiled(value)
    return Criterion(label, operator, value)


def column(label: str) -> Column:
    """Return the column that `table.column` or a shortname means; NotFoundError when no node table has it."""
    table, dot, name = label.partition(".")
    if label in SHORTNAMES:
        table, name = SHORTNAMES[label]
    elif not dot or table not in TABLES:
        raise NotFoundError(f"{label} not a valid table.column description")
    if place(table, name)[0] != "node":
        raise NotFoundError(f"{label} not a valid table.column description", hint=f"{table} has no rows of nodes.")
    return Column(table, name)
