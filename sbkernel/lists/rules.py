"""The lines of an exlist: patterns, and what is odd about their text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sbkernel.definitions.listpaths import INCLUDE
from sbkernel.lists.diagnostic import Diagnostic, Severity, shown
from sbkernel.lists.document import ListLine
from sbkernel.lists.include import BLANKS, Piece

_ALMOST = re.compile(r"\s*#\s*(?:INCLUDE\b|(?i:include\s*:))")
_BRACES = re.compile(r"\{[^{}]*,[^{}]*\}")


class ExlistRule(NamedTuple):
    """One pattern and its place. `keep` means a leading +."""

    pattern: str
    keep: bool
    line: ListLine
    column: int
    comment: bool
    """Whether a # ended the pattern."""

    @property
    def where(self) -> str:
        """Return file:line."""
        return f"{self.line.file}:{self.line.number}"

    def note(self, severity: Severity, message: str, remedy: str) -> Diagnostic:
        """Return a diagnostic of this pattern."""
        return self.line.note(severity, message, remedy, self.column)


class ExlistGrammar:
    """How the lines of an exlist are read before includes are spliced. xCAT drops comments only afterwards."""

    separator = "\n"

    def keep(self, line: ListLine) -> str | None:
        """Keep every line. In included files, remove trailing blanks and empty lines."""
        text = line.text.rstrip(BLANKS) if line.trace else line.text
        return text or None

    def look(self, line: ListLine) -> Iterator[Diagnostic]:
        """Yield what is odd about a comment: it is nearly a directive, or it includes a file."""
        text = line.text.strip(BLANKS)
        match = INCLUDE.search(line.text)
        if match is None and _ALMOST.match(text):
            yield line.note("warning", f"taken as a comment: {shown(text)}", "Write #INCLUDE:path#")
        elif match and "#" in line.text[: match.start()]:
            what = "xCAT does include the file of this comment, from its second line on"
            yield line.note("warning", what, "Remove the directive, or give it a line of its own.", match.start() + 1)
        elif match and line.text[: match.start()].strip(BLANKS):
            what = "xCAT joins the text before an include to the first included line"
            yield line.note("warning", what, "Give the directive a line of its own.", match.start() + 1)


def rules(pieces: Sequence[Piece]) -> Iterator[ExlistRule]:
    """Yield the pattern of a spliced line. xCAT drops the text from # on and the blanks before it, but no others."""
    whole = "".join(piece.text for piece in pieces)
    text, hash_, _ = whole.partition("#")
    text = text.rstrip(BLANKS) if hash_ else text
    if not text.strip(BLANKS):
        return
    keep = text.startswith("+")
    first = next(piece for piece in pieces if piece.text)
    yield ExlistRule(text[1:] if text[0] in "+-" else text, keep, first.line, first.column, bool(hash_))


def look_at_rule(rule: ExlistRule) -> Iterator[Diagnostic]:
    """Yield where xCAT reads a pattern in an unexpected way."""
    yield from _look_nothing(rule)
    pattern = shown(rule.pattern)
    if rule.pattern in ("./*", "*", ".*", "./**") and not rule.keep:
        yield rule.note("warning", f"'{pattern}' leaves nothing of the image", "Name what to leave out.")
    if "'" in rule.pattern:
        yield rule.note("warning", f"the quote in '{pattern}' breaks the command that xCAT builds", "Write ? instead.")
    if _BRACES.search(rule.pattern):
        yield rule.note(
            "warning", f"braces are not wildcards: '{pattern}' means these characters", "Write one line for each."
        )
    if rule.comment and _glued(rule):
        what = f"the pattern ends at the #: it is '{pattern}'"
        yield rule.note("warning", what, "Put a blank before a comment; write ? for a # in a name.")


def _glued(rule: ExlistRule) -> bool:
    before = rule.line.text.partition("#")[0]
    return bool(before) and before[-1] not in BLANKS and not INCLUDE.search(rule.line.text)


def _look_nothing(rule: ExlistRule) -> Iterator[Diagnostic]:
    pattern = rule.pattern
    bare = pattern.strip(BLANKS)
    said = f"'{shown(pattern)}' matches nothing: "
    if pattern.startswith(tuple(BLANKS)):
        yield rule.note("warning", f"{said}xCAT keeps the blank in front of it", f"Write {shown(bare)}")
    elif pattern.endswith("\r"):
        yield rule.note("warning", f"{said}the line ends in CR LF", "Save the file with Unix line ends.")
    elif pattern.endswith(tuple(BLANKS)):
        yield rule.note("warning", f"{said}xCAT keeps the blank at its end", f"Write {shown(bare)}")
    elif bare not in (".", "") and not _may_begin_a_path(bare):
        better = "./" + bare.lstrip("./")
        yield rule.note("warning", f"{said}patterns begin with ./", f"Write {shown(better)}")
    elif bare.endswith("/"):
        better = shown(bare.rstrip("/"))
        yield rule.note("warning", f"{said}it ends in /", f"Write {better}* or {better}/*")
    elif "//" in bare:
        yield rule.note("warning", f"{said}no path has //", f"Write {shown(re.sub('//+', '/', bare))}")


def _may_begin_a_path(pattern: str) -> bool:
    """Tell whether a pattern can match a path that begins with ./: it begins so itself, or with a wildcard."""
    if pattern[0] in "*[\\":
        return True
    if pattern[0] not in ".?":
        return False
    return pattern[1:2] in ("/", "*", "?", "[", "\\", "")
