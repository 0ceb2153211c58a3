"""Read any list file by the attribute of the osimage that names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sbkernel.lists import exlist, otherpkglist, pkglist, synclist
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.lists.text import read_text


class Parsed(Protocol):
    """What all parsed lists have."""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what is wrong or odd."""

    def render(self) -> str:
        """Return the text."""


_READERS: dict[str, Callable[[Sequence[Path | str]], Parsed]] = {
    "pkglist": pkglist.read,
    "otherpkglist": otherpkglist.read,
    "exlist": exlist.read,
    "synclists": synclist.read,
}
LIST_ATTRIBUTES = tuple(_READERS)
"""The attributes that name list files."""


def read(attribute: str, paths: Sequence[Path | str]) -> Parsed:
    """Read the files of an attribute and what they include. Raises NotFoundError if one is missing."""
    return _READERS[attribute](paths)


def parse(attribute: str, text: str, file: str) -> Parsed:
    """Parse a text as a file of an attribute; what it includes is read."""
    if attribute == "synclists":
        return synclist.parse(text, file)
    if attribute == "exlist":
        return exlist.parse(text, file, read=read_text)
    return pkglist.parse(text, file, kind=attribute, read=read_text)
