"""What an exlist takes away from packages that the lists ask for: headers of a compiler, for example. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sbkernel.images.pack.exclusion import Exclusion, regex
from sbkernel.lists import otherpkglist
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.entries import ListEntry
from sbkernel.lists.exlist import Exlist
from sbkernel.lists.rules import ExlistRule

EXPECTED = tuple(
    f"./{place}/" for place in (
        "boot", "usr/share/doc", "usr/share/doc-base", "usr/share/man", "usr/share/info", "usr/share/locale",
        "usr/share/licenses", "usr/share/help", "usr/share/gnome", "usr/share/lintian", "usr/lib/locale",
    )
)  # fmt: skip
"""What images leave out without harm; a node gets its kernel over the network."""

_COMPILERS = re.compile(
    r"(gcc|g\+\+|clang|llvm)(-?[\d.]+)?|gcc-c\+\+|gcc-gfortran|gfortran|build-essential|dkms|cuda|"
    r"@\^?\s*(development|Development Tools|development-tools|devel_basis)"
)
_HEADER = "./usr/include/stdio.h"
_BY_NAME = (
    (re.compile(r".*-(dev|devel|headers)"), "./usr/include/a.h", "headers"),
    (re.compile(r".*-docs?"), "./usr/share/doc/a/a", "documentation"),
    (re.compile(r"man-db|man-pages|manpages(-.*)?|man"), "./usr/share/man/man1/a.1.gz", "manual pages"),
    (re.compile(r"tzdata|timezone"), "./usr/share/zoneinfo/Europe/Berlin", "time zones"),
    (re.compile(r"locales(-all)?|glibc-(locale|all-langpacks|langpack-.*)"), "./usr/lib/locale/a/a", "locales"),
    (re.compile(r"(linux-headers|kernel-devel|kernel-source)(-.*)?"), "./usr/src/a/Makefile", "sources of the kernel"),
)  # fmt: skip
_ARCHITECTURE = re.compile(r"\.(x86_64|i686|noarch|aarch64|ppc64(le)?|s390x)$")
_SHOWN = 3

Taken = Callable[[str], ExlistRule | None]


class Loss(NamedTuple):
    """Paths of one package that one line takes away, of how many, and the entry that asks for the package."""

    entry: ListEntry
    name: str
    lost: Sequence[str]
    total: int
    heavy: bool

    def __str__(self) -> str:
        """Return the package in words: zlib-devel (2 of 5 files, such as /usr/include/zlib.h; FILE:LINE)."""
        first = shown(self.lost[0][1:])
        return f"{shown(self.name)} ({len(self.lost)} of {self.total} files, such as {first}; {self.entry.where})"


class Known(NamedTuple):
    """What the lists ask for, by name, and the paths in those packages of which they are known."""

    asked: Mapping[str, ListEntry]
    files: Mapping[str, Sequence[str]]
    links: Mapping[str, str] = {}
    """Directories at the top of the tree that are links, such as ./lib, and where they lead."""


def entries_by_name(entries: Iterable[ListEntry]) -> dict[str, ListEntry]:
    """Return the entries of packages and groups by name: without directory, version and architecture."""
    found: dict[str, ListEntry] = {}
    for entry in entries:
        if entry.kind == "install" and entry.name:
            name = entry.name if entry.name.startswith("@") else _bare(otherpkglist.placed(entry.name).name)
            found.setdefault(name, entry)
    return found


def _bare(name: str) -> str:
    return _ARCHITECTURE.sub("", name.partition("=")[0].partition(":")[0])


def losses(listed: Exlist, known: Known) -> Iterator[Diagnostic]:
    """Yield what the lines of an exlist take away from packages that are asked for."""
    exclusion = Exclusion(listed.exclude, listed.include)
    excludes = [(rule, re.compile(regex(rule.pattern), re.DOTALL)) for rule in listed.rules if not rule.keep]

    def taken_by(path: str) -> ExlistRule | None:
        """Return the line that takes a path away."""
        if exclusion.keeps(path):
            return None
        return next((rule for rule, pattern in excludes if pattern.fullmatch(path)), None)

    found: dict[ExlistRule, list[Loss]] = {}
    for name, entry in known.asked.items():
        for rule, loss in _of_package(entry, name, _paths(known, name), taken_by):
            found.setdefault(rule, []).append(loss)
    for rule, each in found.items():
        yield from _told(rule, each)
    yield from _of_compilers(known, taken_by(_HEADER))
    for name, entry in known.asked.items():
        if name not in known.files:
            yield from _by_name(name, entry, taken_by)


def _paths(known: Known, name: str) -> list[str]:
    """Return the paths of a package as find would print them, without directories."""
    paths = {_unlinked("." + path, known.links) for path in known.files.get(name, ()) if path.startswith("/")}
    above = {path.rpartition("/")[0] for path in paths}
    return sorted(paths - above - {"./."})


def _unlinked(path: str, links: Mapping[str, str]) -> str:
    top, slash, below = path[2:].partition("/")
    return f"{links[f'./{top}']}/{below}" if slash and f"./{top}" in links else path


def _of_package(
    entry: ListEntry, name: str, paths: Sequence[str], taken_by: Taken
) -> Iterator[tuple[ExlistRule, Loss]]:
    """Yield what each line takes away of a package, unless images leave that out without harm."""
    needed = [path for path in paths if not path.startswith(EXPECTED)]
    counted = needed or paths
    taken: dict[ExlistRule, list[str]] = {}
    for path in counted:
        if (rule := taken_by(path)) is not None:
            taken.setdefault(rule, []).append(path)
    for rule, lost in taken.items():
        heavy = 2 * len(lost) >= len(counted) or any("/include/" in path for path in lost)
        if needed or heavy:
            yield rule, Loss(entry, name, lost, len(paths), heavy)


def _of_compilers(known: Known, rule: ExlistRule | None) -> Iterator[Diagnostic]:
    compilers = [entry for name, entry in known.asked.items() if _COMPILERS.fullmatch(name)]
    if rule is not None and compilers:
        first = compilers[0]
        what = f"'{shown(rule.pattern)}' leaves out the headers that {shown(first.name)} needs ({first.where})"
        yield rule.note("warning", what, "Remove this line, or the compiler from the list.")


def _by_name(name: str, entry: ListEntry, taken_by: Taken) -> Iterator[Diagnostic]:
    """Yield what a package loses whose files are not known, but whose name tells what is in it."""
    for pattern, example, what in _BY_NAME:
        rule = taken_by(example) if pattern.fullmatch(name) else None
        if rule is not None:
            said = f"'{shown(rule.pattern)}' leaves out the {what} that {shown(name)} is there for, by its name"
            yield rule.note("warning", f"{said} ({entry.where})", "Remove this line, or the package from the list.")


def _told(rule: ExlistRule, each: Sequence[Loss]) -> Iterator[Diagnostic]:
    for heavy in (True, False):
        chosen = [str(one) for one in each if one.heavy is heavy]
        if chosen:
            more = f" and {len(chosen) - _SHOWN} more" if len(chosen) > _SHOWN else ""
            what = f"'{shown(rule.pattern)}' takes away what the lists ask for: {', '.join(chosen[:_SHOWN])}{more}"
            first = next(one for one in each if one.heavy is heavy).lost[0]
            remedy = f"Keep it by +{shown(first)} or the like, or do not ask for the package."
            yield rule.note("warning" if heavy else "info", what, remedy)
