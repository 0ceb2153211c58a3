"""The names that one range of a noderange spells, whether such nodes exist or not. Pure.

n01-n10, n01:n10, n[01-03,07]r[1-2], n10+3; and 5, 5-7, 5+2, with $XCAT_NODE_PREFIX (else node) before the number and
$XCAT_NODE_SUFFIX after it.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator

from sbkernel.errors import DefinitionError

MOST = 1_000_000
"""More names than any site has. A range that spells more is a typing error."""

_DIGITS = re.compile(r"\d+", re.ASCII)
_PLUS = re.compile(r"(.*?)(\d+)\+(\d+)", re.ASCII | re.DOTALL)
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_INSIDE = re.compile(r"(\d+)(?:([-:+])(\d+))?|\w+", re.ASCII)


def spelled(atom: str) -> list[str]:
    """Return the names that one range spells, in order; a plain name spells itself. DefinitionError: too many."""
    if not _DIGITS.search(atom):
        return _brackets(atom) or [atom]
    return _brackets(atom) or _plus(atom) or _span(atom) or [_prefixed(atom)]


def _prefixed(name: str) -> str:
    if not (name.isascii() and name.isdigit()):
        return name
    return f"{os.environ.get('XCAT_NODE_PREFIX', 'node')}{name}{os.environ.get('XCAT_NODE_SUFFIX', '')}"


def _plus(atom: str) -> list[str] | None:
    """Read n10+3: n10 ... n13."""
    match = _PLUS.fullmatch(atom)
    if match is None or "[" in atom:
        return None
    return [_prefixed(match[1] + number) for number in _counted(match[2], "+", match[3], atom)]


def _span(atom: str) -> list[str] | None:
    """Read n01-n10, n01:n10 and 5-7, whose ends differ in one number."""
    for match in re.finditer("[-:]", atom):
        names = _between(atom[: match.start()], atom[match.end() :], atom)
        if names is not None:
            return names
    return None


def _between(left: str, right: str, atom: str) -> list[str] | None:
    if _DIGITS.split(left) != _DIGITS.split(right):
        return None
    pairs = list(zip(_DIGITS.finditer(left), _DIGITS.finditer(right), strict=True))
    varying = [(a, b) for a, b in pairs if a[0] != b[0]]
    if len(varying) != 1:
        return [_prefixed(left)] if pairs and not varying else None
    first, last = varying[0]
    head, tail = left[: first.start()], left[first.end() :]
    return [_prefixed(head + number + tail) for number in _counted(first[0], "-", last[0], atom)]


def _counted(first: str, operator: str, last: str, atom: str) -> Iterator[str]:
    """Count from `first` to `last`, or, for +, by `last` more. Numbers are as wide as `first`."""
    if max(len(first), len(last)) > len(str(MOST)) + 9:
        raise DefinitionError(f"'{atom}' has a number that is too long")
    low = int(first)
    high = low + int(last) if operator == "+" else int(last)
    if high < low:
        raise DefinitionError(f"'{atom}' counts down")
    if high - low >= MOST:
        raise DefinitionError(f"'{atom}' spells more than {MOST} names")
    return (f"{number:0{len(first)}d}" for number in range(low, high + 1))


def _brackets(atom: str) -> list[str] | None:
    """Read n[01-03,07]r[1-2]: the product of all brackets, the last one varies fastest. A name must come first."""
    pieces = _BRACKETS.split(atom)
    if len(pieces) == 1 or not pieces[0]:
        return None
    choices = [[piece] if at % 2 == 0 else _inside(piece, atom) for at, piece in enumerate(pieces)]
    size = 1
    for choice in choices:
        size *= len(choice)
    if size > MOST:
        raise DefinitionError(f"'{atom}' spells more than {MOST} names")
    return ["".join(words) for words in itertools.product(*choices)]


def _inside(text: str, atom: str) -> list[str]:
    numbers: list[str] = []
    for part in text.split(","):
        match = _INSIDE.fullmatch(part.strip())
        if match is None:
            raise DefinitionError(f"'{part}' is not a number or range in '{atom}'")
        numbers += _counted(match[1], match[2], match[3], atom) if match[2] else [match[0]]
    return numbers
