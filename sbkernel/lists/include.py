"""#INCLUDE:path# spliced in wherever it stands, as xCAT does; every piece of text knows where it is from. Pure.

xCAT replaces the directive in the text before it looks at lines, so what stands before it on its line is put in front
of the first included line, and what stands behind it after the last one (imgutils.pm, packimage.pm).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from sbkernel.definitions.lookup import INCLUDE
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.document import Document, Line

MOST = 10_000
"""Includes in one list; more are a doubling in disguise (two files, each including the next one twice)."""
BLANKS = " \t\r\f\v"

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)

Reader = Callable[[Path], str]


class Piece(NamedTuple):
    """Text from one place; `column` is that of its first character."""

    text: str
    line: Line
    column: int


class Grammar(Protocol):
    """What the splicer has to know of a grammar."""

    def keep(self, line: Line) -> str | None:
        """Return what stays of a line before anything is spliced, or None when the line is dropped."""

    def look(self, line: Line) -> Iterable[Diagnostic]:
        """Return what is odd about a line as it stands in its file."""


class Spliced(NamedTuple):
    """Lines after splicing, each as pieces, and what is wrong with the includes."""

    lines: list[list[Piece]]
    diagnostics: list[Diagnostic]


def splice(document: Document, grammar: Grammar, read: Reader | None = None) -> Spliced:
    """Splice what a document includes; without `read` the directives vanish, and nothing is said about their files.

    A relative path is taken from the directory of the document, also inside included files.
    """
    splicer = _Splicer(Path(document.file).parent, grammar, read)
    top = (Path(document.file),) if read else ()
    lines = splicer.lines(document.lines(), top)
    return Spliced(lines, splicer.diagnostics)


class _Splicer:
    def __init__(self, directory: Path, grammar: Grammar, read: Reader | None) -> None:
        self._directory = directory
        self._grammar = grammar
        self._read = read
        self._count = 0
        self.diagnostics: list[Diagnostic] = []

    def lines(self, lines: Iterable[Line], above: tuple[Path, ...]) -> list[list[Piece]]:
        whole: list[list[Piece]] = []
        for line in lines:
            self.diagnostics += self._grammar.look(line)
            text = self._grammar.keep(line)
            if text is not None:
                whole += self._line(line._replace(text=text), above)
        return whole

    def _line(self, line: Line, above: tuple[Path, ...]) -> list[list[Piece]]:
        whole: list[list[Piece]] = [[]]
        start = 0
        for match in INCLUDE.finditer(line.text):
            whole[-1].append(Piece(line.text[start : match.start()], line, start + 1))
            first, *more = self._included(match[1], line, match.start() + 1, above) or [[]]
            whole[-1].extend(first)
            whole += more
            start = match.end()
        whole[-1].append(Piece(line.text[start:], line, start + 1))
        return whole

    def _included(self, path: str, line: Line, column: int, above: tuple[Path, ...]) -> list[list[Piece]]:
        if self._read is None:
            return []
        target = _expanded(path, line, column)
        text = target if isinstance(target, Diagnostic) else self._text(target, line, column, above)
        if isinstance(text, Diagnostic):
            self.diagnostics.append(text)
            return []
        document = Document.parse(text, str(self._directory / str(target)))
        trace = (f"{line.file}:{line.number}", *line.trace)
        return self.lines(document.lines(trace), (*above, Path(document.file)))

    def _text(self, path: str, line: Line, column: int, above: tuple[Path, ...]) -> str | Diagnostic:
        target = self._directory / path
        self._count += 1
        if target.resolve() in {one.resolve() for one in above}:
            circle = " -> ".join(one.name for one in (*above, target))
            return line.note("error", f"the include goes in a circle: {circle}", "Remove this line.", column)
        if self._count > MOST:
            return line.note("error", f"more than {MOST} includes", "Include every file once.", column)
        try:
            return self._read(target) if self._read else ""
        except (OSError, ValueError):
            said = f"Unable to open the included file {shown(str(target))}"
            return line.note("error", said, "Correct the path, or remove the line.", column)


def _expanded(path: str, line: Line, column: int) -> str | Diagnostic:
    """Return the path with variables of the environment replaced; xCAT leaves unset ones as they are, and fails."""
    for match in _VARIABLE.finditer(path):
        name = match[1] or match[2]
        if name not in os.environ:
            remedy = f"export {name}, or write the path."
            return line.note("error", f"the include uses ${name}, which is not set", remedy, column)
    if path[0] in BLANKS:
        return line.note("error", "a blank before the path: xCAT cannot open it", "Remove the blank.", column)
    return _VARIABLE.sub(lambda match: os.environ[match[1] or match[2]], path).rstrip(BLANKS)
