"""The programs that compress a stream: how each gives the same bytes on any machine, and how it is undone.

Measured on one input with gzip 1.12, pigz 2.6, xz 5.4 and zstd 1.5: pigz and `zstd -T` do not change a byte with the
number of threads, `zstd --single-thread` does; xz makes one block with `-T1` and blocks of a fixed size with any other
number. pigz and gzip make different bytes of one input, so that the one that was asked for is used, or none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# All of them read options from the environment.
ENVIRONMENT: Mapping[str, None] = dict.fromkeys(
    ("GZIP", "PIGZ", "XZ_DEFAULTS", "XZ_OPT", "ZSTD_CLEVEL", "ZSTD_NBTHREADS", "TAR_OPTIONS", "POSIXLY_CORRECT")
)
_XZ_THREAD_MB = 200


@dataclass(frozen=True)
class Compressor:
    """A program by its name in packimage, the ending of its files, and its default and highest level.

    `magic` begins its files; `undo` is the program that unpacks them, which a node has in its busybox or, with
    `on_node`, has to be given.
    """

    name: str
    ending: str
    levels: tuple[int, int]
    magic: bytes
    undo: str
    options: tuple[str, ...]
    threads: str = ""
    on_node: str = ""

    def argv(self, level: int) -> list[str]:
        """Return the command that compresses standard input to standard output."""
        threads = [f"{self.threads}{thread_count(self.name)}"] if self.threads else []
        return [self.name, *self.options, f"-{level}", *threads, "-c"]

    def undo_argv(self) -> list[str]:
        """Return the command that unpacks standard input to standard output."""
        return [self.undo, "-d", "-c"]


def thread_count(name: str) -> int:
    """Return how many threads to use: one a processor, but at least two of xz, and as many as memory holds."""
    processors = len(os.sched_getaffinity(0))
    if name != "xz":
        return processors
    machine_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return max(2, min(processors, machine_mb // 4 // _XZ_THREAD_MB))


_ALL = (
    Compressor("zstd", ".zst", (3, 19), b"\x28\xb5\x2f\xfd", "zstd", ("-q", "--check"), "-T", on_node="zstd"),
    Compressor("gzip", ".gz", (6, 9), b"\x1f\x8b", "gzip", ("-n",)),
    Compressor("pigz", ".gz", (6, 9), b"\x1f\x8b", "gzip", ("-n",), "-p"),
    # busybox checks no other sum than CRC32.
    Compressor("xz", ".xz", (6, 9), b"\xfd7zXZ\x00", "xz", ("-q", "--check=crc32"), "-T"),
)
COMPRESSORS: Mapping[str, Compressor] = {one.name: one for one in _ALL}


def compressor_of(head: bytes) -> Compressor | None:
    """Return what made a file that begins so; of two that make the same kind of file, any."""
    return next((one for one in COMPRESSORS.values() if head.startswith(one.magic)), None)


def levels() -> dict[str, tuple[int, int]]:
    """Return default and highest level of each."""
    return {one.name: one.levels for one in COMPRESSORS.values()}


def unpacking(one: Compressor) -> Sequence[str]:
    """Return the programs that a node needs for it beside busybox."""
    return (one.on_node,) if one.on_node else ()
