"""Assignments to columns of tables: table.column=v, =@v, ,=v, ^=v, and shortnames (nodech(1)). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sbkernel.definitions.ranges.criteria import Column, Criterion, column, criterion
from sbkernel.errors import DefinitionError, NotFoundError


class Assignment(NamedTuple):
    """One change of one column."""

    column: Column
    operator: str
    value: str


class Request(NamedTuple):
    """What the words of nodeadd, nodech or nodegrpch ask for."""

    assignments: tuple[Assignment, ...]
    criteria: tuple[tuple[Column, Criterion], ...]
    malformed: tuple[str, ...]


def request(words: Sequence[str]) -> Request:
    """Read assignments and criteria; NotFoundError for a column that no node table has."""
    malformed = tuple(word for word in words if "=" not in word and "!~" not in word)
    wanted = [(word, criterion(word)) for word in words if word not in malformed]
    criteria = tuple((_column(one.label), one) for _, one in wanted if one is not None)
    return Request(tuple(_assignment(word) for word, one in wanted if one is None), criteria, malformed)


def assigned(assignments: Iterable[Assignment], before: Callable[[Column], str]) -> dict[Column, str]:
    """Return the new values of columns, "" for one to clear; those that stay as they are, are left out."""
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


def _assignment(word: str) -> Assignment:
    label, _, value = word.partition("=")
    operator = f"{label[-1]}=" if label.endswith((",", "^")) else "="
    found = _column(label.removesuffix(operator[:-1]))
    if found.is_key:
        raise DefinitionError(f"{label}: the name of a node is not changed here", hint="chdef -n renames a node.")
    return Assignment(found, operator, value.removeprefix("@"))


def _column(label: str) -> Column:
    try:
        return column(label)
    except NotFoundError as error:
        if "." in label:
            raise
        raise NotFoundError(f"{label}. not a valid table.column description", hint=error.hint) from None


def _joined(old: str, more: str) -> str:
    """Put each item that is not there yet in front, one by one, as xCAT does."""
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
