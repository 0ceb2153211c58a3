"""Decide what an exclude list leaves in the image: find's -path patterns, excludes first, then includes.

`*` and `?` match `/` and leading dots, as in xCAT's `find . -path` (find(1), fnmatch(3) without flags).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sbkernel.lists.exlist import ALWAYS

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
_ELEMENT = re.compile(r"\[:(?P<name>[a-z]+):\]|(?P<low>\\.|[^\\])(?:-(?P<high>\\.|[^\\\]]))?", re.DOTALL)


def keeps(exclude: Iterable[str], include: Iterable[str]) -> Callable[[str], bool]:
    """Return the function that tells whether a path such as ./usr/share stays in the image by itself.

    A directory that does not stay by itself still does when something below it stays.
    """
    excluded = _any_of([*ALWAYS, *exclude])
    included = _any_of(list(include))
    return lambda path: not excluded(path) or bool(included(path))


def _any_of(patterns: list[str]) -> Callable[[str], re.Match[str] | None]:
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
