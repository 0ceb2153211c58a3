"""Drive mksquashfs: its options, its exclude file, its progress (mksquashfs(1), squashfs-tools 4.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.jobs.report import Report

LEVELS = {"zstd": (3, 22), "gzip": (9, 9)}  # method -> default and highest level; the others have none
METHODS = ("zstd", "lz4", "xz", "gzip")
WHOLE = 100
"""Units of the progress of a packing."""

_BLOCK_SIZE = re.compile(r"\d+[KM]?")
_BAR = re.compile(r"\[.*\]\s*(\d+)/(\d+)\s+\d+%")


@dataclass(frozen=True)
class PackOptions:
    """How the root is packed; part of an image's identity."""

    compression: str = "zstd"
    level: int | None = None
    block_size: str = "128K"

    def __post_init__(self) -> None:
        if self.compression not in METHODS:
            raise DefinitionError(
                f"Invalid compress method '{self.compression}' requested", hint=f"one of {' '.join(METHODS)}"
            )
        if not _BLOCK_SIZE.fullmatch(self.block_size):
            raise DefinitionError(f"block size {self.block_size!r} is not a size such as 128K or 1M")
        self._check_level()

    def _check_level(self) -> None:
        if self.level is None:
            return
        if self.compression not in LEVELS:
            raise DefinitionError(f"{self.compression} has no levels", hint="leave the level out")
        highest = LEVELS[self.compression][1]
        if not 1 <= self.level <= highest:
            raise DefinitionError(f"level {self.level} of {self.compression} is not in 1-{highest}")

    def as_dict(self) -> dict[str, Any]:
        """Return the options with the default level filled in."""
        level = self.level or LEVELS.get(self.compression, (None,))[0]
        return {"method": "squashfs", **asdict(self), "level": level}

    def argv(self) -> list[str]:
        """Return the options as mksquashfs takes them."""
        level = self.as_dict()["level"]
        return [
            "-comp", self.compression,
            *(["-Xcompression-level", str(level)] if level else []),
            "-b", self.block_size,
        ]  # fmt: skip


def pack_argv(
    tree: Path,
    output: Path,
    options: PackOptions,
    exclude_file: Path,
    odd: Iterable[str],
    *,
    made: int,
    memory_mb: int,
) -> list[str]:
    """Return the argv that packs a tree; `odd` are exclude patterns that no file of lines can hold.

    `made` is the time stamp of the packed file system itself, in seconds since the epoch; `memory_mb` (MiB) is what
    may wait between the readers and the writer, and changes no byte of the result.
    """
    odd = list(odd)
    return [
        "mksquashfs", str(tree), str(output), "-noappend", "-no-recovery", "-exit-on-error",
        "-mkfs-time", str(made), "-mem", f"{memory_mb}M",
        *options.argv(),
        "-wildcards", "-ef", str(exclude_file),
        *(["-e", *odd] if odd else []),
    ]  # fmt: skip


def memory_mb(processors: int, machine_mb: int) -> int:
    """Return how much memory mksquashfs should use, in MiB, on a machine with so much of it.

    By itself it takes a quarter of the machine. With two processors, pages that are used again made it 8 % faster
    than pages that are always new; it refuses less than 64 MiB.
    """
    return max(64, min(128 * processors, machine_mb // 4))


def literal(path: str) -> str:
    """Return the wildcard pattern that matches one path and no other.

    Without -wildcards mksquashfs excludes by inode number, hard links elsewhere included. Its exclude file takes
    a leading `#` for a comment and strips blanks at both ends.
    """
    return re.sub(r"[\\*?\[\]()|!+@#\s]", lambda match: match[0] if match[0] == "\n" else "\\" + match[0], path)


def exclude_patterns(excluded: Iterable[str]) -> tuple[str, list[str]]:
    """Return the text of the exclude file, and the patterns of names with line breaks, which go into argv."""
    patterns = [literal(path) for path in excluded]
    return "".join(f"{p}\n" for p in patterns if "\n" not in p), [p for p in patterns if "\n" in p]


def follow(report: Report) -> Callable[[str], None]:
    """Return an on_line for mksquashfs: its bar becomes progress in parts of WHOLE, other lines the log.

    The bar counts blocks, of which it knows more and more while it still scans the tree.
    """
    done = 0

    def on_line(line: str) -> None:
        nonlocal done
        if bar := _BAR.match(line):
            done = max(done, WHOLE * int(bar[1]) // max(1, int(bar[2])))
            report.progress(done, WHOLE, f"{bar[1]} of {bar[2]} blocks")
        else:
            report.log(line)

    return on_line
