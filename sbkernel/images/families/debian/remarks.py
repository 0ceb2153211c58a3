"""What is wrong or odd in a package list of Debian's family: names that apt has not, lines that it does not follow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sbkernel.images.families import removals
from sbkernel.images.families.debian.releases import ARCHITECTURES
from sbkernel.images.families.package_manager import Request
from sbkernel.lists import otherpkglist
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.entries import ListEntry

PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?")
"""A package that apt can be asked for (deb-control(5)); what its command line takes beyond that would surprise."""

_REMOVED = re.compile(r"[a-z0-9*?][a-z0-9+.*?-]*")
_PATTERN = "pattern:"
_ENDINGS = {**ARCHITECTURES, "i686": "i386", "s390x": "s390x"}
"""Endings that names have elsewhere, and what Debian calls these architectures."""


def remarks(request: Request) -> Iterator[Diagnostic]:
    """Yield the names that no package of this family can have, and what is odd about removals."""
    for entry in wrong_entries(request):
        said = f"'{shown(entry.name)}' is not a package name of Debian"
        yield entry.note("error", said, _remedy(otherpkglist.placed(entry.name).name))
    yield from removals.remarks(request, as_in_xcat=True)


def wrong_entries(request: Request) -> Iterator[ListEntry]:
    """Yield the entries that apt cannot be asked for; what the pkglist removes has no effect."""
    yield from (one for one in request.pkglist.entries if one.kind == "install" and not _is_package(one.name))
    for entry in request.otherpkglist.entries:
        name = otherpkglist.placed(entry.name).name
        removed = entry.kind in ("pre_remove", "post_remove")
        if (entry.kind == "install" and not _is_package(name)) or (removed and not _REMOVED.fullmatch(name)):
            yield entry


def _is_package(name: str) -> bool:
    return PACKAGE.fullmatch(name) is not None and not name.startswith(_PATTERN)


def _remedy(name: str) -> str:
    if name.startswith("@"):
        return "apt knows no groups: name the packages."
    if name.startswith(_PATTERN):
        return "apt knows no patterns: name the packages."
    bare, _, ending = name.rpartition(".")
    if ending in _ENDINGS and PACKAGE.fullmatch(f"{bare}:{_ENDINGS[ending]}"):
        return f"Write {bare}:{_ENDINGS[ending]}"
    if PACKAGE.fullmatch(name.lower()):
        return "Debian's names have no capitals, and are often others than those elsewhere."
    return "Correct the name."
