"""The lines of a synclist: copies, and scripts in clauses (grammar: xdcp -F of xCAT, DSHCLI.pm). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

from sbkernel.lists.diagnostic import Diagnostic, Severity
from sbkernel.lists.document import Document, ListLine
from sbkernel.lists.include import BLANKS

POST = ".post"
"""The end of the name of a script that EXECUTE: runs when the file without it has changed."""

CLAUSES = ("EXECUTE:", "EXECUTEALWAYS:", "APPEND:", "MERGE:")

_COPY = re.compile(r"(.+) -> (.+)")
_FOR_NODES = re.compile(r"\s*\(([^)]*)\)\s*(.*)", re.ASCII)
_LOST = re.compile(r"[\s;]", re.ASCII)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)


class SyncItem(NamedTuple):
    """One line with an effect. `clause` is "" for a plain copy, else one of CLAUSES without its colon.

    A copy has sources and a destination; with a noderange it is only for those nodes. A script has one source.
    """

    clause: str
    sources: tuple[str, ...]
    destination: str
    noderange: str | None
    line: ListLine

    def note(self, severity: Severity, message: str, remedy: str) -> Diagnostic:
        """Return a diagnostic of this line."""
        blanks = len(self.line.text) - len(self.line.text.lstrip(BLANKS))
        return self.line.note(severity, message, remedy, blanks + 1)


def clause_of(text: str) -> str:
    """Return the clause that a line begins, or "". xCAT accepts the word anywhere in a line that is not a comment."""
    if text.startswith("#"):
        return ""
    return next((clause[:-1] for clause in CLAUSES if clause in text), "")


def substituted(path: str, values: Mapping[str, str]) -> str:
    """Return a path with $NAME and ${NAME} replaced by values of environvar; unknown ones stay."""
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), path)


def variables(item: SyncItem) -> tuple[str, ...]:
    """Return the names of the variables in the paths of an item."""
    words = " ".join((*item.sources, item.destination))
    return tuple(dict.fromkeys(match[1] or match[2] for match in _VARIABLE.finditer(words)))


def covers(word: str, path: str) -> bool:
    """Tell whether a source as it is written names a path, or a directory above it."""
    pure = PurePosixPath(path)
    return any(fnmatchcase(str(one), word.rstrip("/")) for one in (pure, *pure.parents))


def items(document: Document) -> Iterator[SyncItem]:
    """Yield the items of a document."""
    clause = ""
    for line in document.lines():
        text = line.text.rstrip("\r")
        if text.startswith("#") or not text.strip(BLANKS):
            continue
        if begins := clause_of(text):
            clause = begins
        elif clause.startswith("EXECUTE"):
            yield SyncItem(clause, (text.strip(BLANKS),), "", None, line)
        elif match := _COPY.fullmatch(text):
            yield _copy(clause, match[1], match[2], line)


def _copy(clause: str, sources: str, destination: str, line: ListLine) -> SyncItem:
    nodes = _FOR_NODES.fullmatch(destination)
    noderange, path = (nodes[1].strip(BLANKS), nodes[2]) if nodes else (None, destination)
    return SyncItem(clause, tuple(sources.split()), _LOST.sub("", path), noderange, line)
