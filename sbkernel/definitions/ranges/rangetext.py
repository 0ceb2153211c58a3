"""The grammar of a noderange (noderange(3)): from text to a tree that knows the position of every word. Pure.

union := part {"," part}    part := ["-"] factor {"@" factor}    factor := "(" union ")" | atom
An atom is a name, a range, /regex, ^/file or a selection. Commas inside its brackets belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sbkernel.errors import DefinitionError

DEEPEST = 50
"""More nested parentheses than anybody writes. The parser recurses."""

_PLAIN = re.compile(r"[^,@()\[\]{}\\/]*")
_SPECIAL = re.compile(r"[@()\[\]{}\\/^]")
_CLOSING = {"[": "]", "(": ")", "{": "}"}
_SHOWN = 70


class Written(NamedTuple):
    """Text, and the file and line that it comes from, if it does."""

    text: str
    where: str = ""


class Atom(NamedTuple):
    """One name, range, /regex, ^file or selection, and its position in the text."""

    text: str
    line: Written
    at: int


class Term(NamedTuple):
    """What stands between two commas: factors to intersect. If `excluded`, the result is removed at the end."""

    excluded: bool
    factors: tuple[Atom | Union, ...]


class Union(NamedTuple):
    """Terms in their order."""

    parts: tuple[Term, ...]


def parse(text: str, where: str = "") -> Union:
    """Parse a noderange. Raises a DefinitionError that points at the first mistake. `where` names file and line."""
    line = Written(text, where)
    if not _SPECIAL.search(text):
        return Union(tuple(_plain(line)))
    reader = _Reader(line)
    union = reader.union(depth=0)
    if reader.at < len(text):
        raise fault("')' without '('", reader.line, reader.at)
    return union


def fault(message: str, line: Written, at: int) -> DefinitionError:
    """Return an error whose hint shows the text with a caret below the mistake."""
    start = max(0, at - _SHOWN // 2)
    shown = "".join(char if char.isprintable() else "?" for char in line.text[start : start + _SHOWN])
    where = f"{line.where}: " if line.where else ""
    return DefinitionError(f"{where}noderange: {message}", hint=f"{shown}\n  {' ' * (at - start)}^")


def _plain(line: Written) -> Iterator[Term]:
    """Parse a list without brackets, quickly: it may name every node of a site."""
    at = 0
    for piece in line.text.split(","):
        name = piece.strip()
        if name.startswith("-"):
            yield _Reader(line, at).part(depth=0)
        elif name:
            yield Term(False, (Atom(name, line, at + len(piece) - len(piece.lstrip())),))
        at += len(piece) + 1


class _Reader:
    def __init__(self, line: Written, at: int = 0) -> None:
        self.line = line
        self.at = at

    def union(self, depth: int) -> Union:
        """Read up to the end, or to a `)` that was not opened here. Empty terms are ignored, as in xCAT."""
        if depth > DEEPEST:
            raise fault(f"more than {DEEPEST} nested parentheses", self.line, self.at)
        parts: list[Term] = []
        while True:
            if self._next() not in (",", ")", ""):
                parts.append(self.part(depth))
            if self._next() != ",":
                return Union(tuple(parts))
            self.at += 1

    def part(self, depth: int) -> Term:
        """Read up to the comma or `)` that ends a term."""
        excluded = self._took("-")
        # Other tools mark a group with a leading @.
        self._took("@")
        factors = [self._factor(depth)]
        while self._took("@"):
            factors.append(self._factor(depth))
        if self._next() not in (",", ")", ""):
            raise fault("',' or '@' is missing", self.line, self.at)
        return Term(excluded, tuple(factors))

    def _factor(self, depth: int) -> Atom | Union:
        if self._next() == "-":
            raise fault("'-' takes away only at the beginning and after a comma", self.line, self.at)
        if self._next() != "(":
            return self._atom()
        opened = self.at
        self.at += 1
        union = self.union(depth + 1)
        if not self._took(")"):
            raise fault("'(' is not closed", self.line, opened)
        return union

    def _atom(self) -> Atom:
        start = self.at
        self.at = _end_of_atom(self.line, start)
        text = self.line.text[start : self.at].rstrip()
        if not text:
            raise fault("a name is missing", self.line, start)
        return Atom(text, self.line, start)

    def _next(self) -> str:
        """Skip blanks and return the character that follows, "" at the end."""
        char = self.line.text[self.at : self.at + 1]
        while char.isspace():
            self.at += 1
            char = self.line.text[self.at : self.at + 1]
        return char

    def _took(self, char: str) -> bool:
        found = self._next() == char
        self.at += found
        return found


def _end_of_atom(line: Written, start: int) -> int:
    plain = _PLAIN.match(line.text, start)
    end = plain.end() if plain else start
    return end if line.text[end : end + 1] in ",@)" else _end_with_brackets(line, start)


def _end_with_brackets(line: Written, start: int) -> int:
    text, at = line.text, start
    opened: list[int] = []
    escapes = "\\" if text[start : start + 1] == "/" else ""
    while at < len(text):
        char = text[at]
        inside = text[opened[-1]] if opened else ""
        if char == escapes:
            at += 1
        elif inside and char == _CLOSING[inside]:
            opened.pop()
        elif inside == "[":
            pass
        elif char in _CLOSING:
            opened.append(at)
        elif not inside and char in ",@)":
            break
        at += 1
    if opened:
        raise fault(f"'{text[opened[-1]]}' is not closed", line, opened[-1])
    return min(at, len(text))
