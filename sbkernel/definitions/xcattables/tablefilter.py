"""Which rows tabdump -w shows: conditions on columns, compared as text (xCAT: tabdump). Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.xcattables.columns import Table
from sbkernel.errors import DefinitionError

_SYNTAX = re.compile(r"([^=!~<>]+)(==|!=|=~|!~|>=|<=|>|<|=)(.*)", re.DOTALL)
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


class Condition(NamedTuple):
    """One condition."""

    column: str
    operator: str
    value: str

    def holds(self, row: Mapping[str, str]) -> bool:
        """Say whether a row fulfils it; an unset column fulfils none, as NULL in SQL."""
        if self.column not in row:
            return False
        if self.operator.endswith("~"):
            return is_like(row[self.column], self.value) is (self.operator == "=~")
        return _COMPARE[self.operator](row[self.column], self.value)


def is_like(text: str, pattern: str) -> bool:
    """Say whether SQL's LIKE holds, as SQLite has it: % any text, _ any character, ASCII letters of either case."""
    regex = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE | re.ASCII) is not None


def parse(texts: Sequence[str], table: Table) -> tuple[Condition, ...]:
    """Read conditions on a table; DefinitionError for an unknown column or operator."""
    return tuple(_parse(text, table) for text in texts)


def _parse(text: str, table: Table) -> Condition:
    match = _SYNTAX.fullmatch(text)
    if match is None or match[2] == "=":
        raise DefinitionError(f"Unsupported operator:{text} on -w flag input")
    if match[1] not in table.columns:
        raise DefinitionError(f'No column "{match[1]}" in table "{table.name}"')
    return Condition(match[1], match[2], match[3])
