"""Words about columns of tables, as nodels and nodech take them (nodels(1), nodech(1)). Pure.

Criteria: table.column==value, !=, =~regex, !~regex, and short names. Unlike in -w, an unset column counts as the
empty string. Assignments: table.column=v, =@v, ,=v, ^=v.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.regex import bare, compiled
from sbkernel.definitions.xcattables.columns import TABLES, place, value_in
from sbkernel.errors import DefinitionError, NotFoundError

SHORTNAMES = {"groups": ("nodelist", "groups"), "tags": ("nodelist", "groups"), "mgt": ("nodehm", "mgt")}

_SYNTAX = re.compile(r"([^=!~]*)(==|!=|=~|!~)(.*)", re.DOTALL)


class Column(NamedTuple):
    """One column of a table whose rows are nodes and groups."""

    table: str
    column: str

    def value(self, node: str, values: Mapping[str, str]) -> str:
        """Return its value for a node with these attributes; "" if it is unset."""
        return node if self.is_key else value_in("node", f"{self.table}.{self.column}", values)

    @property
    def is_key(self) -> bool:
        """Tell whether it is the column with the name of the node."""
        return self.column == TABLES[self.table].keys[0]


class Criterion(NamedTuple):
    """One condition on one column."""

    label: str
    """The column as it was typed."""
    operator: str
    wanted: str

    def holds(self, value: str) -> bool:
        """Tell whether it holds for a value."""
        is_regex = self.operator.endswith("~")
        hit = compiled(self.wanted).search(value) is not None if is_regex else self.wanted == value
        return hit is not self.operator.startswith("!")


def criterion(text: str) -> Criterion | None:
    """Read a criterion; None if the text has no operator. Raises DefinitionError for a wrong regular expression."""
    match = _SYNTAX.fullmatch(text)
    if match is None:
        return None
    label, operator, value = match.groups()
    if operator.endswith("~"):
        value = bare(value)
        compiled(value)
    return Criterion(label, operator, value)


def column(label: str) -> Column:
    """Return the column that `table.column` or a short name means. Raises NotFoundError if no node table has it."""
    table, dot, name = label.partition(".")
    if label in SHORTNAMES:
        table, name = SHORTNAMES[label]
    elif not dot or table not in TABLES:
        raise NotFoundError(f"{label} not a valid table.column description")
    if place(table, name)[0] != "node":
        raise NotFoundError(f"{label} not a valid table.column description", hint=f"{table} has no rows of nodes.")
    return Column(table, name)


class ColumnAssignment(NamedTuple):
    """One change of one column."""

    column: Column
    operator: str
    value: str


class ColumnRequest(NamedTuple):
    """What the words of nodeadd, nodech and nodegrpch ask for."""

    assignments: tuple[ColumnAssignment, ...]
    criteria: tuple[tuple[Column, Criterion], ...]
    malformed: tuple[str, ...]


def request(words: Sequence[str]) -> ColumnRequest:
    """Read assignments and criteria. Raises NotFoundError for a column that no node table has."""
    malformed = tuple(word for word in words if "=" not in word and "!~" not in word)
    wanted = [(word, criterion(word)) for word in words if word not in malformed]
    criteria = tuple((_column(one.label), one) for _, one in wanted if one is not None)
    return ColumnRequest(tuple(_assignment(word) for word, one in wanted if one is None), criteria, malformed)


def assigned(assignments: Iterable[ColumnAssignment], before: Callable[[Column], str]) -> dict[Column, str]:
    """Return the new values of columns, "" for one to clear. Columns that do not change are left out."""
    new: dict[Column, str] = {}
    for one in assignments:
        if one.operator == "=":
            new[one.column] = one.value
            continue
        old = new.get(one.column, before(one.column))
        value = _joined(old, one.value) if one.operator == ",=" else _left(old, one.value)
        if value != old:
            new[one.column] = value
    return new


def _assignment(word: str) -> ColumnAssignment:
    label, _, value = word.partition("=")
    operator = f"{label[-1]}=" if label.endswith((",", "^")) else "="
    found = _column(label.removesuffix(operator[:-1]))
    if found.is_key:
        raise DefinitionError(f"{label}: the name of a node is not changed here", hint="chdef -n renames a node.")
    return ColumnAssignment(found, operator, value.removeprefix("@"))


def _column(label: str) -> Column:
    try:
        return column(label)
    except NotFoundError as error:
        if "." in label:
            raise
        raise NotFoundError(f"{label}. not a valid table.column description", hint=error.hint) from None


def _joined(old: str, more: str) -> str:
    """Put each missing item in front, one by one, as xCAT does."""
    if not old:
        return more
    items = old.split(",")
    for item in more.split(","):
        if item and item not in items:
            items.insert(0, item)
    return ",".join(items)


def _left(old: str, less: str) -> str:
    gone = less.split(",")
    return ",".join(item for item in old.split(",") if item not in gone)
