"""Values computed from the node's name: `|regex|text|`, `|text|` and `/regex/text/` (xCAT: xcatdb(5)). Pure.

What the regex matches of the name is replaced by the text, in which $1 is what the first bracket of the regex matched,
and so is ($1), leading zeros and all; ($1+0) reckons. Without a regex, $1, $2 ... are the numbers in the name, without
leading zeros. A regex that matches nothing leaves the name itself. `/regex/text/` does not reckon.
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
"""Of a text: itself, the number of a group, or what stands in parentheses."""


class Expression(NamedTuple):
    """A value in its parts; without a regex it is made from the numbers in the name."""

    regex: str | None
    text: tuple[_Part, ...]
    highest: int
    """The highest n of its $n."""


def evaluate(value: str, node: str) -> str:
    """Return what a value means for a node, "" for one that is made to be blank; DefinitionError says why it fails."""
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
    """Refuse an expression that no node's name can make a value of; DefinitionError says what is wrong with it."""
    expression = parse(value)
    if expression.regex is not None:
        _check_groups(expression, compiled(expression.regex).groups)


@functools.lru_cache(maxsize=1000)
def parse(value: str) -> Expression:
    """Read an expression; DefinitionError when its text is wrong."""
    regex, mark, text = value[1:-1].partition(value[0])
    if value[0] == "/":
        return _expression(regex, _plain(text))
    return _expression(regex, _parts(text)) if mark else _expression(None, _parts(regex))


def _expression(regex: str | None, parts: Sequence[_Part]) -> Expression:
    steps = [step.value for part in parts if isinstance(part, tuple) for step in part if step.does == "group"]
    return Expression(regex, tuple(parts), max(map(int, [0, *(p for p in parts if isinstance(p, int)), *steps])))


def _parts(text: str) -> list[_Part]:
    """Cut a text at its parentheses; from one that is not closed on, it is itself, as in xCAT."""
    parts: list[_Part] = []
    at = 0
    while (found := _bracket(text, at)) is not None:
        start, end = found
        parts += [*_plain(text[at:start]), arithmetic.parse(text[start + 1 : end - 1])]
        at = end
    return [*parts, *_plain(text[at:])]


def _bracket(text: str, at: int) -> tuple[int, int] | None:
    """Return where the next (...) begins and ends, its inner ones included."""
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
    """Refuse $n where the regex has no n groups; without a regex every number in the name is one."""
    if expression.highest > count:
        what = "the name has" if expression.regex is None else "the regular expression has"
        noun = "number" if expression.regex is None else "group"
        raise DefinitionError(f"there is no ${expression.highest}: {what} {count} {noun}{'s' * (count != 1)}")


def _filled(part: _Part, groups: list[str]) -> str:
    if isinstance(part, str):
        return part
    return groups[part] if isinstance(part, int) else arithmetic.reckon(part, groups)
