"""Decide what an exclude list leaves in the image: find's -path patterns, excludes first, then includes.

`*` and `?` match `/` and leading dots, as in xCAT's `find . -path` (find(1), fnmatch(3) without flags).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sbkernel.lists.exlist import ALWAYS_EXCLUDED

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_SPECIAL = re.compile(r"[*?\[\\]")
_ELEMENT = re.compile(r"\[:(?P<name>[a-z]+):\]|(?P<low>\\.|[^\\])(?:-(?P<high>\\.|[^\\\]]))?", re.DOTALL)


class Exclusion:
    """An exclude list, ready to be asked about many paths such as ./usr/share; ALWAYS is part of it."""

    def __init__(self, exclude: Iterable[str], include: Iterable[str]) -> None:
        self._excluded = _AnyOf([*ALWAYS_EXCLUDED, *exclude])
        self._included = _AnyOf(list(include))

    def keeps(self, path: str) -> bool:
        """Tell whether a path stays by itself; a directory that does not still does when something below it stays."""
        return not self._excluded.match(path) or self._included.match(path)

    def drops_all_below(self, path: str) -> bool:
        """Tell whether surely nothing below a directory stays, so that nobody has to look."""
        below = f"{path}/"
        return below.startswith(self._excluded.prefixes) and not self._included.may_match_below(below)


class _AnyOf:
    """Patterns, most of which are a path or the beginning of one and need no regular expression."""

    def __init__(self, patterns: list[str]) -> None:
        special = {pattern: _SPECIAL.search(pattern) for pattern in patterns}
        beginnings = {p for p, at in special.items() if at and at[0] == "*" and at.end() == len(p)}
        self.prefixes = tuple(pattern.removesuffix("*") for pattern in beginnings)
        self._exact = {pattern for pattern, at in special.items() if at is None}
        self._heads = tuple(pattern[: at.start()] if at else pattern for pattern, at in special.items())
        self._regex = _compiled([p for p, at in special.items() if at and p not in beginnings])

    def match(self, path: str) -> bool:
        return path.startswith(self.prefixes) or path in self._exact or self._regex(path) is not None

    def may_match_below(self, below: str) -> bool:
        return any(head.startswith(below) or below.startswith(head) for head in self._heads)


def _compiled(patterns: list[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(regex, patterns)) if patterns else "(?!)", re.DOTALL).fullmatch


def regex(pattern: str) -> str:
    """Return the regular expression of a find -path pattern."""
    parts, position = [], 0
    while position < len(pattern):
        part, position = _token(pattern, position)
        parts.append(part)
    return "".join(parts)


def _token(pattern: str, position: int) -> tuple[str, int]:
    char = pattern[position]
    if char == "*":
        return ".*", position + 1
    if char == "?":
        return ".", position + 1
    if char == "\\":
        escaped = pattern[position + 1 : position + 2]
        return re.escape(escaped) if escaped else "(?!)", position + 2
    if char == "[" and (bracket := _bracket(pattern, position)):
        return bracket
    return re.escape(char), position + 1


def _bracket(pattern: str, position: int) -> tuple[str, int] | None:
    """Return the class that starts at `position` and where it ends, or None if nothing closes it."""
    position += 1
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    start = position
    members: list[str] = []
    while element := _ELEMENT.match(pattern, position):
        if element["low"] == "]" and position > start:
            return _class("".join(members), negated), position + 1
        position = element.end()
        members.append(_members(element))
    return None


def _members(element: re.Match[str]) -> str:
    if element["name"]:
        return _CLASSES.get(element["name"], "")
    low = element["low"][-1]
    high = (element["high"] or low)[-1]
    return f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""


def _class(members: str, negated: bool) -> str:
    if not members:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{members}]"
