"""Values computed from the node's name: `|regex|text|`, `|text|` and `/regex/text/` (xCAT: xcatdb(5)). Pure.

The text replaces the part of the name that the regex matches. In the text, $1 and ($1) are the first group of the
match, with its leading zeros; ($1+0) calculates. Without a regex, $1, $2 ... are the numbers in the name, without
leading zeros. If the regex does not match, the value is the name. `/regex/text/` does not calculate.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from sbkernel.definitions.computed import arithmetic
from sbkernel.definitions.computed.arithmetic import Op
from sbkernel.definitions.regex import compiled
from sbkernel.definitions.tables.attribute import is_expression
from sbkernel.errors import DefinitionError

_GROUP = re.compile(r"\$(?:(\d+)|\{(\d+)\})", re.ASCII)
_NUMBER_IN_NAME = r"[\D0]*(\d+)"

_Part = str | int | tuple[Op, ...]
"""A part of a text: plain text, the number of a group, or the operations in parentheses."""


class Expression(NamedTuple):
    """A parsed value. If it has no regex, one is made from the numbers in the name."""

    regex: str | None
    text: tuple[_Part, ...]
    highest: int
    """The highest n among its $n."""


def evaluate(value: str, node: str) -> str:
    """Return the value for a node, which may be blank on purpose. Raises DefinitionError if it cannot be computed."""
    if not is_expression(value):
        return value
    expression = parse(value)
    regex = _numbers_of(node) if expression.regex is None else expression.regex
    match = compiled(regex).search(node)
    if match is None:
        return node
    _check_groups(expression, len(match.groups()))
    groups = [group or "" for group in (match[0], *match.groups())]
    filled = "".join(_filled(part, groups) for part in expression.text)
    return f"{node[: match.start()]}{filled}{node[match.end() :]}"


def check(value: str) -> None:
    """Refuse an expression that is wrong for every name. Raises DefinitionError that says why."""
    expression = parse(value)
    if expression.regex is not None:
        _check_groups(expression, compiled(expression.regex).groups)


@functools.lru_cache(maxsize=1000)
def parse(value: str) -> Expression:
    """Parse an expression. Raises DefinitionError if its text is wrong."""
    regex, mark, text = value[1:-1].partition(value[0])
    if value[0] == "/":
        return _expression(regex, _plain(text))
    return _expression(regex, _parts(text)) if mark else _expression(None, _parts(regex))


def _expression(regex: str | None, parts: Sequence[_Part]) -> Expression:
    steps = [step.value for part in parts if isinstance(part, tuple) for step in part if step.does == "group"]
    return Expression(regex, tuple(parts), max(map(int, [0, *(p for p in parts if isinstance(p, int)), *steps])))


def _parts(text: str) -> list[_Part]:
    """Split a text at its parentheses. After one that is not closed, the rest is plain text, as in xCAT."""
    parts: list[_Part] = []
    at = 0
    while (found := _bracket(text, at)) is not None:
        start, end = found
        parts += [*_plain(text[at:start]), arithmetic.parse(text[start + 1 : end - 1])]
        at = end
    return [*parts, *_plain(text[at:])]


def _bracket(text: str, at: int) -> tuple[int, int] | None:
    """Return where the next (...) begins and ends, with the parentheses inside it."""
    start = text.find("(", at)
    depth = 0
    for end in range(start, len(text) if start >= 0 else -1):
        depth += (text[end] == "(") - (text[end] == ")")
        if depth == 0:
            return start, end + 1
    return None


def _plain(text: str) -> list[_Part]:
    parts: list[_Part] = []
    at = 0
    for group in _GROUP.finditer(text):
        parts += [text[at : group.start()], int(group[1] or group[2])]
        at = group.end()
    return [*parts, text[at:]]


@functools.lru_cache(maxsize=1000)
def _numbers_of(node: str) -> str:
    return _NUMBER_IN_NAME * len(re.findall(_NUMBER_IN_NAME, node, re.ASCII)) + ".*$"


def _check_groups(expression: Expression, count: int) -> None:
    """Refuse $n if the regex has fewer than n groups. Without a regex, each number in the name is a group."""
    if expression.highest > count:
        what = "the name has" if expression.regex is None else "the regular expression has"
        noun = "number" if expression.regex is None else "group"
        raise DefinitionError(f"there is no ${expression.highest}: {what} {count} {noun}{'s' * (count != 1)}")


def _filled(part: _Part, groups: list[str]) -> str:
    if isinstance(part, str):
        return part
    return groups[part] if isinstance(part, int) else arithmetic.reckon(part, groups)
