"""An ISO image read in place: xorriso says where each file lies in it, and the bytes are read from there.

Nothing is mounted, so it takes no root, and no name on the disc becomes a path before we have looked at it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.media.medium import check_names
from sbkernel.jobs.run import run

BLOCK = 2048
CHUNK = 1 << 20
_VOLUME = 16 * BLOCK
"""Where the first volume descriptor lies (ECMA-119, 6.2.1)."""

_SECTION = re.compile(r"File data lba:\s*\d+ ,\s*(\d+) ,\s*\d+ ,\s*(\d+) , (.*)")
_LINK = re.compile(r"l\S+(?:\s+\S+){7} ('.*) -> ('.*)")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_ESCAPES = {"a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Section(NamedTuple):
    """A part of a file: where it begins in the image and its length, both in bytes. Large files have several."""

    start: int
    size: int


@dataclass(frozen=True)
class IsoImage:
    """An image file, or a drive with a disc in it."""

    source: Path
    sections: Mapping[str, Sequence[Section]]
    links: Mapping[str, str]

    @cached_property
    def files(self) -> Mapping[str, int]:
        """Return the size of every file."""
        return {path: sum(section.size for section in sections) for path, sections in self.sections.items()}

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield the content of a file."""
        with self.source.open("rb", buffering=0) as image:
            for section in self.sections[path]:
                image.seek(section.start)
                left = section.size
                while left:
                    chunk = image.read(min(left, CHUNK))
                    if not chunk:
                        raise _truncated(self.source, section.start + section.size, section.start + section.size - left)
                    left -= len(chunk)
                    yield chunk


def volume_size(source: Path) -> int:
    """Return how many bytes an ISO 9660 image should have, 0 for another file (ECMA-119, 8.4.8)."""
    with source.open("rb") as image:
        image.seek(_VOLUME)
        descriptor = image.read(88)
    blocks = int.from_bytes(descriptor[80:84], "little")
    return blocks * BLOCK if descriptor[1:6] == b"CD001" else 0


def open_iso(source: Path) -> IsoImage:
    """List an image; BuildError when it is none, when a part is missing, and for names that lead out of it."""
    try:
        with source.open("rb") as image:
            size = image.seek(0, os.SEEK_END)
        if not (whole := volume_size(source)):
            raise BuildError(f"{source} is no ISO 9660 image", hint="is the download complete? `file` says what it is")
    except OSError as error:
        raise BuildError(f"{source}: {error.strerror}") from None
    try:
        sections = _sections(_listed(source, "report_sections"))
        links = _links(_listed(source, "lsdl", "-type", "l"))
    except CommandError as error:
        if size < whole:
            raise _truncated(source, whole, size) from error
        raise BuildError(f"{source} cannot be read as an ISO image:\n{error.tail}") from error
    check_names(source, [*sections, *links])
    end = max((one.start + one.size for parts in sections.values() for one in parts), default=0)
    if end > size:
        raise _truncated(source, end, size)
    if not sections:
        raise BuildError(f"{source} holds no files")
    return IsoImage(source, sections, links)


def _truncated(source: Path, wanted: int, there: int) -> BuildError:
    return BuildError(
        f"{source} is truncated: it has {there} bytes of {wanted}",
        hint="download or copy it again, and compare its checksum",
    )


def _listed(source: Path, what: str, *tests: str) -> list[str]:
    # What is not printable comes as an escape, so that a line of output is one name whatever is in it.
    options = ["-no_rc", "-report_about", "SORRY", "-backslash_codes", "encode_output"]
    find = ["-find", "/", *tests, "-exec", what, "--"]
    return run(["xorriso", *options, "-indev", f"stdio:{source.absolute()}", *find]).stdout.splitlines()


def _sections(lines: Sequence[str]) -> dict[str, list[Section]]:
    found: dict[str, list[Section]] = {}
    for match in filter(None, map(_SECTION.fullmatch, lines)):
        section = Section(int(match[1]) * BLOCK, int(match[2]))
        found.setdefault(_name(match[3])[1:], []).append(section)
    return found


def _links(lines: Sequence[str]) -> dict[str, str]:
    return {_name(match[1])[1:]: _name(match[2]) for match in filter(None, map(_LINK.fullmatch, lines))}


def _name(quoted: str) -> str:
    """Return a name as it is on the disc; xorriso quotes it as for a shell, with escapes inside."""
    (word,) = shlex.split(quoted)
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 8)) if match[1].isdigit() else _escape(match[1]), word)
    return raw.encode("latin-1", errors="replace").decode(errors="surrogateescape")


def _escape(letter: str) -> str:
    return _ESCAPES.get(letter, letter)
