"""otherpkglist: packages from repositories of the site. The grammar is that of pkglist, but removals take effect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sbkernel.lists import pkglist
from sbkernel.lists.entries import ListEntry
from sbkernel.lists.include import TextReader
from sbkernel.lists.pkglist import Pkglist

KIND = "otherpkglist"


class Placed(NamedTuple):
    """A package and the directory of its repository below otherpkgdir; . is otherpkgdir itself."""

    directory: str
    name: str


def parse(text: str, file: str = KIND, *, read: TextReader | None = None) -> Pkglist:
    """Parse the text of one list, without raising."""
    return pkglist.parse(text, file, kind=KIND, read=read)


def read(paths: Sequence[Path | str]) -> Pkglist:
    """Read list files. Raises NotFoundError if one is missing."""
    return pkglist.read(paths, KIND)


def load(paths: Sequence[Path | str]) -> Pkglist:
    """Read list files. Raises ListFileError for the first error in them."""
    return pkglist.load(paths, KIND)


def listed(parsed: Pkglist, name: str) -> ListEntry | None:
    """Return the first entry that names a package, from whichever directory."""
    found = (one for one in parsed.entries if one.kind == "install" and placed(one.name).name == name)
    return next(found, None)


def placed(entry: str) -> Placed:
    """Split an entry such as site/tools/ourtool into repository and package. Groups have no directory."""
    if entry.startswith("@"):
        return Placed(".", entry)
    directory, _, name = entry.rstrip("/").rpartition("/")
    return Placed(directory or ("/" if entry.startswith("/") else "."), name)
