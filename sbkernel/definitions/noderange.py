"""Noderange: xCAT's way to name nodes (noderange(3)). Pure; what exists is asked from a Universe.

a,b  union     -a  taken away at the end     a@b  intersection     (a,b)@c  grouping
name, group, n01-n10, n01:n10, n[01-03,07]r[1-2], n10+3, /regex, and 5, 5-7, 5+2 for node5 ...
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from sbkernel.errors import DefinitionError, NotFoundError

MOST = 1_000_000
"""More names than any site has; a range that gives more is a slip of the keyboard."""

_DIGITS = re.compile(r"\d+")
_OPEN, _CLOSE = "([{", ")]}"


class Universe(Protocol):
    """What a noderange is read against."""

    def existing(self, names: Sequence[str]) -> set[str]:
        """Return those of `names` that are nodes."""

    def members(self, group: str) -> list[str] | None:
        """Return the nodes of a group, or None when there is no such group."""

    def all_nodes(self) -> list[str]:
        """Return the names of all nodes."""


def noderange(text: str, universe: Universe) -> list[str]:
    """Return the sorted nodes that `text` names; unknown names raise NotFoundError with all of them."""
    unknown: list[str] = []
    nodes = _union(text, lambda atom: _existing(atom, universe, unknown))
    if unknown:
        raise NotFoundError(f"Invalid nodes and/or groups in noderange: {','.join(unknown)}")
    return sorted(nodes)


def expand(text: str) -> list[str]:
    """Return the names that `text` spells, in its order, whether or not nodes of that name exist."""
    return list(dict.fromkeys(name for part in _split(text, ",") for name in spelled(part)))


def _union(text: str, resolve: Callable[[str], set[str]]) -> set[str]:
    nodes: set[str] = set()
    without: set[str] = set()
    for part in _split(text, ","):
        if part.startswith("-"):
            without |= _intersection(part[1:], resolve)
        else:
            nodes |= _intersection(part, resolve)
    return nodes - without


def _intersection(text: str, resolve: Callable[[str], set[str]]) -> set[str]:
    factors = _split(text, "@")
    if not factors:
        raise DefinitionError(f"noderange: a name is missing in '{text}'")
    return set.intersection(*(_factor(factor, resolve) for factor in factors))


def _factor(text: str, resolve: Callable[[str], set[str]]) -> set[str]:
    if text.startswith("(") and text.endswith(")"):
        return _union(text[1:-1], resolve)
    return resolve(text)


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside of brackets; empty parts vanish, as in xCAT."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char in _OPEN) - (char in _CLOSE)
        if depth < 0:
            break
        if char == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    if depth:
        raise DefinitionError(f"noderange: brackets do not match in '{text}'")
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _existing(atom: str, universe: Universe, unknown: list[str]) -> set[str]:
    if found := universe.existing([atom]):
        return found
    if atom.startswith("/"):
        return _matching(atom[1:], universe)
    if (members := universe.members(atom)) is not None:
        return set(members)
    names = spelled(atom)
    found = universe.existing(names)
    missing = [name for name in names if name not in found]
    unknown += [atom] if len(missing) == len(names) else missing
    return set(names)


def _matching(pattern: str, universe: Universe) -> set[str]:
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise DefinitionError(f"noderange: /{pattern} is not a regular expression: {error}") from None
    return {name for name in universe.all_nodes() if regex.fullmatch(name)}


def spelled(atom: str) -> list[str]:
    """Return the names that one range spells, in order; a plain name spells itself."""
    return _plus(atom) or _span(atom) or _brackets(atom) or [_prefixed(atom)]


def _prefixed(name: str) -> str:
    return f"node{name}" if name.isascii() and name.isdigit() else name


def _plus(atom: str) -> list[str] | None:
    """n10+3 is n10 ... n13."""
    match = re.fullmatch(r"(.*?)(\d+)\+(\d+)", atom, re.ASCII)
    if match is None or "[" in atom:
        return None
    head, first, more = match[1] or "node", match[2], int(match[3])
    return [head + number for number in _numbers(first, str(int(first) + more), atom)]


def _span(atom: str) -> list[str] | None:
    """n01-n10, n01:n10 and 5-7: both ends differ in one number."""
    if "[" in atom:
        return None
    for at in (match.start() for match in re.finditer("[-:]", atom)):
        if (names := _between(atom[:at], atom[at + 1 :], atom)) is not None:
            return names
    return None


def _between(left: str, right: str, atom: str) -> list[str] | None:
    left, right = _prefixed(left), _prefixed(right)
    if _DIGITS.split(left) != _DIGITS.split(right):
        return None
    pairs = list(zip(_DIGITS.finditer(left), _DIGITS.finditer(right), strict=True))
    varying = [(a, b) for a, b in pairs if a[0] != b[0]]
    if len(varying) != 1:
        return [left] if pairs and not varying else None
    first, last = varying[0]
    head, tail = left[: first.start()], left[first.end() :]
    return [head + number + tail for number in _numbers(first[0], last[0], atom)]


def _numbers(first: str, last: str, atom: str) -> Iterator[str]:
    """Count from first to last, as wide as first is written."""
    low, high = int(first), int(last)
    if high < low:
        raise DefinitionError(f"noderange: '{atom}' counts down")
    if high - low >= MOST:
        raise DefinitionError(f"noderange: '{atom}' spells more than {MOST} names")
    return (f"{number:0{len(first)}d}" for number in range(low, high + 1))


def _brackets(atom: str) -> list[str] | None:
    """n[01-03,07]r[1-2]: the product of all brackets, the last turning fastest."""
    pieces = re.split(r"\[([^\[\]]*)\]", atom)
    if len(pieces) == 1:
        return None
    choices = [[piece] if at % 2 == 0 else _inside(piece, atom) for at, piece in enumerate(pieces)]
    size = 1
    for choice in choices:
        size *= len(choice)
    if size > MOST:
        raise DefinitionError(f"noderange: '{atom}' spells more than {MOST} names")
    return ["".join(words) for words in itertools.product(*choices)]


def _inside(text: str, atom: str) -> list[str]:
    numbers: list[str] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:[-:](\d+))?|\w+", part.strip(), re.ASCII)
        if match is None:
            raise DefinitionError(f"noderange: '{part}' is not a number or range in '{atom}'")
        numbers += _numbers(match[1], match[2], atom) if match[2] else [match[0]]
    return numbers
