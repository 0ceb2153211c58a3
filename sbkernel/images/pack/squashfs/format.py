"""The format squashfs: the kernel of a node mounts it, and reads from memory what it needs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import WHOLE, PackOptions, block_bytes, check_compression, checked_level
from sbkernel.images.pack.squashfs import writer
from sbkernel.images.pack.squashfs.compressors import compressor
from sbkernel.images.pack.squashfs.writer import Order
from sbkernel.jobs.command import module_environment
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.units import size

LEVELS = {"zstd": (3, 22), "gzip": (9, 9)}  # method -> default and highest level; the others have none
METHODS = ("zstd", "lz4", "xz", "gzip")
BLOCK_SIZE = "128K"
MAGIC = b"hsqs"

_COUNT = re.compile(r"(\d+)/(\d+)")
# unsquashfs -llnumeric: -rwxr-xr-x 0/0   151344 2026-11-23 03:13 /usr/lib/a b
_FILE = re.compile(r"-\S{9}\S? +\d+/\d+ +(\d+) \d{4}-\d\d-\d\d \d\d:\d\d (/.*)")


class Squashfs:
    """The format squashfs."""

    file_name = "root.squashfs"
    node_programs = ()
    unpacked = False
    stacks = True

    def __init__(self, options: PackOptions | None = None) -> None:
        asked = options or PackOptions()
        self._compression = asked.compression or METHODS[0]
        check_compression(self._compression, METHODS)
        self._block_size = BLOCK_SIZE if asked.block_size is None else asked.block_size
        self._block_bytes = block_bytes("squashfs", self._block_size)
        self._level = checked_level(self._compression, asked.level, LEVELS)

    @property
    def described(self) -> dict[str, Any]:
        """Return the options with all defaults filled in."""
        return {
            "method": "squashfs",
            "compression": self._compression,
            "level": self._level,
            "block_size": self._block_size,
        }

    @property
    def libraries(self) -> dict[str, str]:
        """Return the library that compresses."""
        return dict([compressor(self._compression, self._level, self._block_bytes).library])

    def lost(self, content: Content) -> Sequence[str]:  # noqa: ARG002 - to find them costs as much as to pack
        """Return nothing: all that is lost are access control lists, which pack() logs."""
        return ()

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack the content; with a memory, what the last root holds already is copied from there.

        Raises CommandError, BuildError.
        """
        order = Order(
            str(content.tree),
            content.listed.kept,
            content.gone,
            str(target),
            self._compression,
            self._level,
            self._block_bytes,
            content.seen.made_s,
            content.memory,
        )
        progress = _progress(report)
        if content.seen.isolated:
            argv = [sys.executable, "-m", writer.__name__]
            follow = _follow(progress, report)
            content.seen.run(argv, env=module_environment(), input=writer.asked_of(order), on_line=follow)
            return
        try:
            writer.write(order, progress, report.log)
        except OSError as error:
            raise BuildError(f"{error.filename or target}: {error.strerror}") from error

    def extract(self, file: Path, target: Path, patterns: Sequence[str]) -> None:
        """Unpack the files that match; for an ordinary user without devices, such as the whiteouts of a layer."""
        lenient = [] if os.geteuid() == 0 else ["-no-exit-code"]  # what cannot be read is an error all the same
        run(
            ["unsquashfs", *lenient, "-quiet", "-no-progress", "-no-xattrs", "-force", "-dest", target, file, *patterns]
        )

    def sizes(self, file: Path) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of the plain files; one with several names has its bytes under each."""
        listing = run(["unsquashfs", "-llnumeric", "-d", "", file]).stdout
        return ((match[2], int(match[1])) for match in map(_FILE.fullmatch, listing.split("\n")) if match)


def _progress(report: Report) -> writer.Progress:
    """Return what makes progress in parts of WHOLE of bytes that are done."""
    told = 0

    def progress(done: int, whole: int) -> None:
        nonlocal told
        parts = WHOLE * done // max(1, whole)
        if parts > told:
            told = parts
            report.progress(parts, WHOLE, f"{size(done)} of {size(whole)}")

    return progress


def _follow(progress: writer.Progress, report: Report) -> Callable[[str], None]:
    """Return an on_line for the writer as a program: a count is progress, another line goes to the log."""

    def on_line(line: str) -> None:
        if count := _COUNT.fullmatch(line):
            progress(int(count[1]), int(count[2]))
        else:
            report.log(line)

    return on_line
