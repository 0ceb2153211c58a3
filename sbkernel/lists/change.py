"""Add entries to a list and remove them. No other line changes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sbkernel.definitions.listpaths import INCLUDE
from sbkernel.errors import DefinitionError
from sbkernel.lists import exlist, pkglist
from sbkernel.lists.diagnostic import shown
from sbkernel.lists.document import Document
from sbkernel.lists.entries import ListEntry
from sbkernel.lists.include import BLANKS


def check_package(name: str, kind: str) -> None:
    """Raise DefinitionError if a line with this text would not install exactly this package."""
    parsed = pkglist.parse(name, name, kind=kind)
    wrong = next((one for one in parsed.diagnostics if one.severity != "info"), None)
    if wrong is not None:
        raise DefinitionError(wrong.message, hint=wrong.remedy)
    if [(entry.kind, entry.name) for entry in parsed.entries] != [("install", name)] or "\n" in name:
        raise DefinitionError(f"'{shown(name)}' is not a package name", hint="Give the names one by one.")


def check_pattern(pattern: str) -> None:
    """Raise DefinitionError if a line with this text would be another pattern, or one without effect."""
    parsed = exlist.parse(pattern, pattern)
    wrong = next((one for one in parsed.diagnostics if one.severity != "info"), None)
    if wrong is not None:
        raise DefinitionError(wrong.message, hint=wrong.remedy)
    if len(parsed.rules) != 1 or parsed.rules[0].comment or "\n" in pattern:
        raise DefinitionError(f"'{shown(pattern)}' is not a pattern", hint="Write it as ./usr/share/doc*")


def with_packages(document: Document, names: Iterable[str]) -> Document:
    """Return the list with packages added after the last one of its first pass."""
    position = _end_of_first_pass(document)
    for name in names:
        document = document.inserted(position, name)
        position += 1
    return document


def _end_of_first_pass(document: Document) -> int:
    own = pkglist.parse(document.render(), document.file).entries
    until = next((entry.line.number for entry in own if entry.kind == "pass"), len(document.rows) + 1)
    installs = [entry.line.number for entry in own if entry.kind == "install" and entry.line.number < until]
    return installs[-1] if installs else until - 1


def without_packages(document: Document, names: Iterable[str]) -> Document:
    """Return the list without these packages. A line with nothing else is removed; other lines lose the name."""
    gone = set(names)
    own = pkglist.parse(document.render(), document.file).entries
    numbers = sorted({entry.line.number for entry in own if _is_one_of(entry, gone)}, reverse=True)
    for number in numbers:
        document = _without_part(document, number, gone)
    return document


def _is_one_of(entry: ListEntry, names: set[str]) -> bool:
    return entry.kind == "install" and entry.name in names


def _without_part(document: Document, number: int, names: set[str]) -> Document:
    text = document.rows[number - 1].text
    if INCLUDE.search(text):
        where = f"{document.file}:{number}"
        what = f"{where}: a package on the line of an include cannot be removed"
        raise DefinitionError(what, hint="Edit that line by hand.")
    end = text[len(text.rstrip(BLANKS)) :]
    rest = [part for part in text.split(",") if part.strip(BLANKS) not in names]
    if not any(part.strip(BLANKS) for part in rest):
        return document.without(number)
    return document.replaced(number, ",".join(rest).rstrip(BLANKS).lstrip(BLANKS) + end)


def with_patterns(document: Document, patterns: Iterable[str]) -> Document:
    """Return the exclude list with patterns added at its end; their order does not matter."""
    for pattern in patterns:
        document = document.inserted(len(document.rows), pattern)
    return document


def without_patterns(document: Document, patterns: Sequence[str]) -> Document:
    """Return the exclude list without the lines of these patterns. +PATTERN names a line that keeps paths."""
    wanted = {normal(pattern) for pattern in patterns}
    rules = exlist.parse(document.render(), document.file).rules
    numbers = {rule.line.number for rule in rules if (rule.keep, rule.pattern) in wanted}
    for number in sorted(numbers, reverse=True):
        document = document.without(number)
    return document


def normal(pattern: str) -> tuple[bool, str]:
    """Return whether a pattern keeps paths, and the pattern without its sign."""
    return pattern.startswith("+"), pattern[1:] if pattern[:1] in ("+", "-") else pattern
