"""Parse the words of chtab, tabch and gettab: `key=value,key=value` and `table.column=value`. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_ASSIGNMENT = re.compile(r"[^.=]+\.[^.=]+=.+", re.DOTALL)


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
