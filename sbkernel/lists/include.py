"""Splice in the files of #INCLUDE:path# as xCAT does. Every piece of text keeps the place that it comes from. Pure.

xCAT joins the lines to one text, replaces every directive in it until none is left, and splits it into lines only then
(imgutils.pm, packimage.pm). So the text before a directive is joined to the first included line, the text after it to
the last one, and this can even form a new directive.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, Protocol

from sbkernel.definitions.listpaths import INCLUDE, without_dots
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.document import Document, ListLine

_MOST = 10_000
"""Limit of includes in one list. Files that include others twice, and so on, double the text at every step."""
BLANKS = " \t\r\f\v"
_XCAT_ROOT = "/opt/xcat"
"""Lists that xCAT ships include others by $XCATROOT, which its programs export."""

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)

TextReader = Callable[[Path], str]


class Piece(NamedTuple):
    """Text from one place; `column` is the column of its first character."""

    text: str
    line: ListLine
    column: int

    def part(self, start: int, end: int | None = None) -> Piece:
        """Return a part of the piece, with its own place."""
        return Piece(self.text[start:end], self.line, self.column + start)


class Grammar(Protocol):
    """What the splicer has to know about a grammar."""

    separator: str
    """The text between lines when they are joined."""

    def keep(self, line: ListLine) -> str | None:
        """Return what is left of a line before includes are spliced; None drops the line."""

    def look(self, line: ListLine) -> Iterable[Diagnostic]:
        """Return what is odd about a line of a file."""


class Spliced(NamedTuple):
    """The text after splicing, split at the separators into parts of pieces, and what is wrong with the includes."""

    parts: list[list[Piece]]
    diagnostics: list[Diagnostic]


def splice(document: Document, grammar: Grammar, read: TextReader | None = None) -> Spliced:
    """Splice in what a document includes. Without `read` the directives are removed, and their files are not checked.

    A relative path is relative to the directory of the document, also in included files.
    """
    splicer = _Splicer(Path(document.file).parent, grammar, read)
    pieces = splicer.pieces(document.lines())
    while matches := list(INCLUDE.finditer("".join(piece.text for piece in pieces))):
        pieces = splicer.replaced(pieces, matches)
    return Spliced(_split(pieces, grammar.separator), splicer.diagnostics)


def _split(pieces: Iterable[Piece], separator: str) -> list[list[Piece]]:
    parts: list[list[Piece]] = [[]]
    for piece in pieces:
        start = 0
        for number, text in enumerate(piece.text.split(separator)):
            if number:
                parts.append([])
            parts[-1].append(piece.part(start, start + len(text)))
            start += len(text) + len(separator)
    return parts


class _Splicer:
    def __init__(self, directory: Path, grammar: Grammar, read: TextReader | None) -> None:
        self._directory = directory
        self._grammar = grammar
        self._read = read
        self._count = 0
        self.diagnostics: list[Diagnostic] = []

    def pieces(self, lines: Iterable[ListLine]) -> list[Piece]:
        """Return the lines that the grammar keeps, joined."""
        joined: list[Piece] = []
        for line in lines:
            self.diagnostics += self._grammar.look(line)
            text = self._grammar.keep(line)
            if text is not None:
                between = [Piece(self._grammar.separator, line, 1)] if joined else []
                joined += [*between, Piece(text, line, 1)]
        return joined

    def replaced(self, pieces: Sequence[Piece], matches: Iterable[re.Match[str]]) -> list[Piece]:
        """Return the text with each match replaced by the file that it names."""
        ends = list(accumulate(len(piece.text) for piece in pieces))
        result: list[Piece] = []
        start = 0
        for match in matches:
            result += _cut(pieces, ends, start, match.start())
            where = _cut(pieces, ends, match.start(), match.start() + 1)[0]
            result += self._included(match[1], where.line, where.column)
            start = match.end()
        return [*result, *_cut(pieces, ends, start, ends[-1])]

    def _included(self, path: str, line: ListLine, column: int) -> list[Piece]:
        if self._read is None:
            return []
        target = _expanded(path, line, column)
        text = target if isinstance(target, Diagnostic) else self._text(target, line, column)
        if isinstance(text, Diagnostic):
            self.diagnostics.append(text)
            return []
        document = Document.parse(text, without_dots(self._directory / str(target)))
        return self.pieces(document.lines((f"{line.file}:{line.number}", *line.trace)))

    def _text(self, path: str, line: ListLine, column: int) -> str | Diagnostic:
        target = self._directory / path
        above = [Path(line.file), *(Path(place.rpartition(":")[0]) for place in line.trace)]
        self._count += 1
        if os.path.realpath(target) in map(os.path.realpath, above):
            circle = " -> ".join(one.name for one in (*reversed(above), target))
            return line.note("error", f"the file includes itself: {circle}", "Remove this line.", column)
        if self._count > _MOST:
            return line.note("error", f"more than {_MOST} includes", "Include each file once.", column)
        try:
            return self._read(target) if self._read else ""
        except (OSError, ValueError):
            said = f"Unable to open the included file {shown(without_dots(target))}"
            return line.note("error", said, "Correct the path, or remove the line.", column)


def _cut(pieces: Sequence[Piece], ends: Sequence[int], start: int, end: int) -> list[Piece]:
    """Return the pieces between two positions of the text; `ends` are the positions of the ends of all pieces."""
    found: list[Piece] = []
    number = bisect_right(ends, start)
    while start < end:
        begin = ends[number] - len(pieces[number].text)
        found.append(pieces[number].part(start - begin, min(end - begin, len(pieces[number].text))))
        start = ends[number]
        number += 1
    return found


def _expanded(path: str, line: ListLine, column: int) -> str | Diagnostic:
    """Return the path with environment variables replaced. xCAT leaves unset ones in place, and then fails."""
    for match in _VARIABLE.finditer(path):
        name = match[1] or match[2]
        if name not in os.environ:
            value = f"{name}={_XCAT_ROOT}, as in xCAT" if name == "XCATROOT" else name
            remedy = f"export {value}, or write the path."
            return line.note("error", f"the include uses ${name}, which is not set", remedy, column)
    if "\0" in path:
        return line.note("error", "the path of the include contains a NUL", "Correct the path.", column)
    if path[0] in BLANKS:
        return line.note("error", "xCAT cannot open a path with a blank before it", "Remove the blank.", column)
    return _VARIABLE.sub(lambda match: os.environ[match[1] or match[2]], path).rstrip(BLANKS)
