"""The entries in a line of a package list, and what is odd about them (xCAT: imgutils::get_package_names)."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from sbkernel.lists.diagnostic import Diagnostic, Severity, shown
from sbkernel.lists.document import ListLine
from sbkernel.lists.include import BLANKS, Piece

EntryKind = Literal["install", "pre_remove", "post_remove", "env", "pass", "comment", "empty"]

_DIRECTIVE = re.compile(r"\s*#(INCLUDE:[^#^\n]+#|NEW_INSTALL_LIST#|ENV:[^#^\n]+#)", re.ASCII)
_NEW_LIST = re.compile(r"#NEW_INSTALL_LIST#")
_ENV = re.compile(r"#ENV:([^#^\n]+)#")
_ALMOST = re.compile(r"\s*#\s*(?:(?:INCLUDE|NEW_INSTALL_LIST|ENV)\b|(?i:(?:include|env)\s*:|new_install_list))")
_UNKNOWN = re.compile(r"\s*#\s*([A-Z][A-Z_]{2,})(:[^#]*)?#\s*")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.ASCII | re.DOTALL)
_DIRECTIVES = {"INCLUDE": "#INCLUDE:path#", "NEW_INSTALL_LIST": "#NEW_INSTALL_LIST#", "ENV": "#ENV:NAME=value#"}
_SHELL = re.compile(r"[;|&$()<>`\\'\"\ufeff\ud800-\udfff\x00-\x08\x0e-\x1f\x7f]")


class ListEntry(NamedTuple):
    """One item between commas and its place. `text` is what xCAT reads, `name` is what the author means."""

    kind: EntryKind
    name: str
    text: str
    line: ListLine
    column: int

    @property
    def where(self) -> str:
        """Return file:line."""
        return f"{self.line.file}:{self.line.number}"

    def note(self, severity: Severity, message: str, remedy: str) -> Diagnostic:
        """Return a diagnostic of this entry."""
        return self.line.note(severity, message, remedy, self.column)


class PackageGrammar:
    """How the lines of pkglist and otherpkglist are read before includes are spliced."""

    separator = ","

    def keep(self, line: ListLine) -> str | None:
        """Drop blank lines and comments; leading blanks stay, as in xCAT."""
        text = line.text.rstrip(BLANKS)
        if not text or (text.lstrip(BLANKS).startswith("#") and not _DIRECTIVE.match(text)):
            return None
        return text

    def look(self, line: ListLine) -> Iterator[Diagnostic]:
        """Yield what is odd about a comment: it is nearly a directive, or contains one."""
        text = line.text.strip(BLANKS)
        if not text.startswith("#") or _DIRECTIVE.match(text):
            return
        column = len(line.text) - len(line.text.lstrip(BLANKS)) + 1
        if _ALMOST.match(text):
            yield line.note("warning", f"taken as a comment: {shown(text)}", f"Write {_nearest(text)}", column)
        elif _UNKNOWN.fullmatch(text):
            yield line.note("warning", f"unknown directive, taken as a comment: {shown(text)}", _meant(text), column)


def _nearest(text: str) -> str:
    return next(form for name, form in _DIRECTIVES.items() if name in text.upper())


def _meant(text: str) -> str:
    match = _UNKNOWN.fullmatch(text)
    near = difflib.get_close_matches(match[1] if match else "", _DIRECTIVES, n=1)
    return f"Write {_DIRECTIVES[near[0]]}" if near else f"Directives are {', '.join(_DIRECTIVES.values())}"


def entries(parts: Iterable[list[Piece]]) -> Iterator[ListEntry]:
    """Yield the entries of a spliced list; those without effect have the kind empty."""
    return (_entry(pieces) for pieces in parts if pieces)


def _entry(parts: list[Piece]) -> ListEntry:
    first = next((part for part in parts if part.text.strip(BLANKS)), parts[0])
    text = "".join(part.text for part in parts)
    column = first.column + len(first.text) - len(first.text.lstrip(BLANKS))
    kind, name = _kind(text)
    return ListEntry(kind, name, text, first.line, column)


def _kind(text: str) -> tuple[EntryKind, str]:
    if text.startswith("--"):
        return "post_remove", text[2:].strip(BLANKS)
    if text.startswith("-"):
        return "pre_remove", text[1:].strip(BLANKS)
    if _NEW_LIST.match(text):
        return "pass", ""
    if match := _ENV.match(text):
        return "env", match[1]
    if text.startswith("#"):
        return "comment", text
    name = text.strip(BLANKS)
    return ("install" if name else "empty"), name


def look_at_entry(entry: ListEntry, kind: str) -> Iterator[Diagnostic]:
    """Yield where xCAT reads an entry in an unexpected way. `kind` is the kind of list, such as pkglist."""
    if entry.kind == "comment":
        yield from _look_comment(entry)
    elif entry.kind == "env":
        yield from _look_environment(entry)
    elif entry.kind not in ("pass", "empty"):
        yield from _look_name(entry)
        yield from _look_use(entry, kind)


def _look_comment(entry: ListEntry) -> Iterator[Diagnostic]:
    if entry.text.startswith("#ENV:"):
        remedy = "Separate with blanks: A=1 B=2"
        yield entry.note("error", "#ENV: contains a comma, and xCAT splits the line there", remedy)


def _look_environment(entry: ListEntry) -> Iterator[Diagnostic]:
    if env_assignments(entry.name) is None:
        yield entry.note("error", "#ENV: needs NAME=value", "#ENV:http_proxy=http://10.0.0.1:3128#")


def env_assignments(text: str) -> dict[str, str] | None:
    """Return the assignments of an #ENV: as a shell reads them; None if it cannot."""
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if not words or not all(map(_ASSIGNMENT.fullmatch, words)):
        return None
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def _look_name(entry: ListEntry) -> Iterator[Diagnostic]:
    said = f"'{shown(entry.text.strip(BLANKS))}' is not a package name"
    name, padded = entry.name, entry.text[:1] in BLANKS
    if padded and name.startswith(("#", "-")):
        what = "because of the leading blank, xCAT takes this for the name of a package"
        yield entry.note("error", f"{what}: {shown(name)}", "Remove the blank.")
    elif "#" in name:
        yield entry.note("error", said, "A comment needs a line of its own.")
    elif not name or (any(blank in name for blank in BLANKS) and not name.startswith("@")):
        yield entry.note("error", said, "Write one package a line, or commas between them.")
    elif _SHELL.search(name):
        yield entry.note("error", said, "xCAT passes it to a shell: leave out the characters that a shell interprets.")
    elif padded:
        yield entry.note("info", f"xCAT keeps the blank before {shown(name)}", "Remove the blank.")


def _look_use(entry: ListEntry, kind: str) -> Iterator[Diagnostic]:
    if "/" in entry.name and (entry.kind != "install" or kind == "pkglist"):
        last = entry.name.rstrip("/").rpartition("/")[2]
        what = f"the directory in {shown(entry.text)} has no effect here: xCAT uses {shown(last)}"
        yield entry.note("warning", what, "Directories select a repository in an otherpkglist.")
