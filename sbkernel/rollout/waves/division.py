"""Divide nodes into waves: 1,10%,rest. Pure: what groups and attributes say is asked of a Grouping.

5  so many nodes     10%  that share of all, rounded up     rest  all that are left, last
by=rack  one wave for each value of an attribute     anything else is a noderange: its nodes, such as those of a rack
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from sbkernel.errors import DefinitionError
from sbkernel.units import read_share

REST = "rest"
BY = "by="
_OPENING, _CLOSING = "([{", ")]}"
_GRAMMAR = "a wave is a count, a share (10%), a noderange, by=ATTRIBUTE or rest: --waves 1,10%,rest"


@dataclass(frozen=True)
class Wave:
    """Some nodes, and the words that made them a wave."""

    name: str
    nodes: tuple[str, ...]


class Grouping(Protocol):
    """What is known of nodes beside their names."""

    def members(self, noderange: str) -> Collection[str]:
        """Return the nodes that a noderange names. Raises NotFoundError or DefinitionError."""
        ...

    def values(self, attribute: str) -> Mapping[str, str]:
        """Return the value of an attribute for each node that has one."""
        ...


def divide(nodes: Sequence[str], text: str, grouping: Grouping) -> tuple[Wave, ...]:
    """Return the waves: each node is in exactly one, in the given order. Waves that would be empty are left out.

    Raises DefinitionError for words that say nothing, and when nodes are left over.
    """
    left = dict.fromkeys(nodes)
    waves: list[Wave] = []
    words = _words(text)
    for number, word in enumerate(words):
        if word == REST and number != len(words) - 1:
            raise DefinitionError("rest is the last wave: no nodes are left for others", hint=_GRAMMAR)
        for name, chosen in _chosen(word, left, len(nodes), grouping):
            for node in chosen:
                del left[node]
            if chosen:
                waves.append(Wave(name, tuple(chosen)))
    if left:
        first = next(iter(left))
        said = f"{len(left)} of {len(nodes)} nodes are in no wave, such as {first}"
        raise DefinitionError(said, hint=f"end with rest: --waves {text},rest; or name fewer nodes")
    return tuple(waves)


def _words(text: str) -> list[str]:
    """Return the words between commas; commas in brackets belong to a noderange."""
    words, depth = [""], 0
    for letter in text:
        depth += (letter in _OPENING) - (letter in _CLOSING)
        if letter == "," and depth == 0:
            words.append("")
        else:
            words[-1] += letter
    stripped = [word.strip() for word in words]
    if not all(stripped):
        raise DefinitionError(f"{text!r} names a wave that is empty", hint=_GRAMMAR)
    return stripped


def _chosen(word: str, left: Collection[str], count: int, grouping: Grouping) -> Iterator[tuple[str, list[str]]]:
    """Yield the waves that one word makes of what is left."""
    if word == REST:
        yield word, list(left)
    elif word.isascii() and word.isdigit():
        yield word, list(left)[: _positive(word, int(word))]
    elif word.endswith("%"):
        share = _positive(word, read_share(word))
        yield word, list(left)[: math.ceil(Decimal(repr(share)) * count)]
    elif word.startswith(BY):
        yield from _by(word.removeprefix(BY), left, grouping)
    else:
        members = set(grouping.members(word))
        yield word, [node for node in left if node in members]


def _by(attribute: str, left: Collection[str], grouping: Grouping) -> Iterator[tuple[str, list[str]]]:
    """Yield a wave for each value; nodes without one are left over."""
    values = grouping.values(attribute)
    found: dict[str, list[str]] = {}
    for node in left:
        if value := values.get(node):
            found.setdefault(value, []).append(node)
    for value in sorted(found):
        yield f"{attribute}={value}", found[value]


def _positive(word: str, number: float) -> int:
    if number <= 0:
        raise DefinitionError(f"a wave of {word} has no node", hint=_GRAMMAR)
    return number  # type: ignore[return-value]
