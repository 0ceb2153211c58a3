"""A disc as a value: the names on it, and what may be done with them. Nothing on a disc is believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sbkernel.errors import BuildError

MOST_READ = 8 << 20
"""Bytes that a file may have which is read whole: what names a distribution is a page of text."""


class Medium(Protocol):
    """An image of a disc, or a directory. Opening one has listed it and checked its names; nothing is mounted."""

    @property
    def source(self) -> Path:
        """Return the image or the directory."""

    @property
    def files(self) -> Mapping[str, int]:
        """Return the size in bytes of every file by its path, such as dists/stable/Release."""

    @property
    def links(self) -> Mapping[str, str]:
        """Return what every symbolic link says, by its path."""

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file; BuildError when the medium is shorter than it says."""


@dataclass(frozen=True)
class Disc:
    """What a medium is: the distribution in xCAT's words, and which disc of it."""

    osvers: str
    osarch: str
    number: int = 1


def read(medium: Medium, path: str) -> str:
    """Return the text of a small file, or an empty string when there is none."""
    if not 0 < medium.files.get(path, 0) <= MOST_READ:
        return ""
    return b"".join(medium.chunks(path)).decode(errors="replace")


def check_names(source: Path, paths: Iterable[str]) -> None:
    """Raise BuildError for a name that could lead out of the directory to which a disc is copied."""
    for path in paths:
        parts = path.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\0" in path:
            raise BuildError(
                f"{source}: a name on it leads out of it: {path!r}", hint="nothing was copied; is this disc genuine?"
            )


def leads_out(link: str, target: str) -> bool:
    """Tell whether a symbolic link may point out of the medium: one that is absolute, or goes up from another."""
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    return not target or target.startswith("/") or "\0" in target or ".." in parts[up:] or up > link.count("/")
