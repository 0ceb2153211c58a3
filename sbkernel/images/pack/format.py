"""The seam of formats: what every way to make one file of a tree can do. Each passes one contract suite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from sbkernel.errors import DefinitionError
from sbkernel.images.pack.content import Content
from sbkernel.jobs.report import Report

WHOLE = 100
"""Units of the progress of a packing."""

NO_LIBRARIES: Mapping[str, str] = MappingProxyType({})

_BLOCK_SIZES = {2**power for power in range(12, 21)}
_BLOCK_SIZE = re.compile(r"(\d{1,7})([KM]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}


@dataclass(frozen=True)
class PackOptions:
    """What packimage was asked for; a format fills in what is empty."""

    method: str = "squashfs"
    compression: str = ""
    level: int | None = None
    block_size: str | None = None


class Format(Protocol):
    """One format with its options, which were checked when it was made.

    The same content gives the same bytes, whatever the number of processors and wherever the tree lies.
    """

    @property
    def described(self) -> Mapping[str, Any]:
        """Return the options with all defaults filled in; they are part of an image's identity."""

    @property
    def file_name(self) -> str:
        """Return the name of the packed root, from whose ending the initrd knows what to do with it."""

    @property
    def node_programs(self) -> Sequence[str]:
        """Return the programs with which a node unpacks it, beside those of busybox; none if the kernel mounts it."""

    @property
    def libraries(self) -> Mapping[str, str]:
        """Return the libraries that pack it, with their versions; none where programs do."""

    @property
    def unpacked(self) -> bool:
        """Tell whether a node unpacks the root into its memory; otherwise it mounts the file."""

    @property
    def stacks(self) -> bool:
        """Tell whether a packed root can hold whiteouts and lie over others on a node."""

    def lost(self, content: Content) -> Sequence[str]:
        """Return a warning for all that the format does not keep of this content. BuildError if it cannot hold it."""

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack the content; progress is reported in parts of WHOLE. Raises CommandError, BuildError."""

    def extract(self, file: Path, target: Path, patterns: Sequence[str]) -> None:
        """Unpack the files that match shell patterns such as var/lib/x/*, dated as they were. Raises CommandError."""

    def sizes(self, file: Path) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of the plain files of a packed root. Raises CommandError."""


def check_compression(compression: str, possible: Iterable[str]) -> None:
    """Raise DefinitionError in xCAT's words if a format does not take a compression."""
    if compression not in possible:
        raise DefinitionError(f"Invalid compress method '{compression}' requested", hint=f"one of {' '.join(possible)}")


def checked_level(compression: str, level: int | None, levels: Mapping[str, tuple[int, int]]) -> int | None:
    """Return the level of a compression, by default its own; `levels` has default and highest. DefinitionError."""
    if level is None:
        return levels.get(compression, (None,))[0]
    if compression not in levels:
        raise DefinitionError(f"{compression} has no levels", hint="leave the level out")
    highest = levels[compression][1]
    if not 1 <= level <= highest:
        raise DefinitionError(f"level {level} of {compression} is not in 1-{highest}")
    return level


def block_bytes(method: str, size: str) -> int:
    """Return the bytes of a block size such as 128K. DefinitionError if no mounted format has blocks of that size."""
    parsed = _BLOCK_SIZE.fullmatch(size)
    found = int(parsed[1]) * _UNITS[parsed[2]] if parsed else 0
    if found not in _BLOCK_SIZES:
        hint = "4K, 8K, 16K, 32K, 64K, 128K, 256K, 512K or 1M"
        raise DefinitionError(f"{size!r} is not a block size of {method}", hint=hint)
    return found
