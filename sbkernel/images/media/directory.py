"""A mounted disc, or a directory that somebody has unpacked one into."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.media.iso import CHUNK


@dataclass(frozen=True)
class Directory:
    """The regular files and links below a directory; other file systems that are mounted there belong to it."""

    source: Path
    files: Mapping[str, int]
    links: Mapping[str, str]

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file."""
        with (self.source / path).open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                yield chunk


def open_directory(source: Path) -> Directory:
    """List a directory; BuildError when it cannot be read."""
    files: dict[str, int] = {}
    links: dict[str, str] = {}

    def refuse(error: OSError) -> None:
        raise BuildError(f"{error.filename}: {error.strerror}")

    for directory, folders, names in os.walk(source, onerror=refuse):
        for name in (*folders, *names):
            full = Path(directory, name)
            path, state = str(full.relative_to(source)), full.lstat()
            if stat.S_ISLNK(state.st_mode):
                links[path] = str(full.readlink())
            elif stat.S_ISREG(state.st_mode):
                files[path] = state.st_size
    return Directory(source, files, links)
