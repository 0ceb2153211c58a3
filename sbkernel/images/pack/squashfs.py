"""squashfs: the kernel of a node mounts it, and reads from memory what it needs (mksquashfs(1), squashfs-tools 4.5)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import WHOLE, PackOptions, block_bytes, check_compression, checked_level
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

LEVELS = {"zstd": (3, 22), "gzip": (9, 9)}  # method -> default and highest level; the others have none
METHODS = ("zstd", "lz4", "xz", "gzip")
BLOCK_SIZE = "128K"
MAGIC = b"hsqs"

_BAR = re.compile(r"\[.*\]\s*(\d+)/(\d+)\s+\d+%")
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
        block_bytes("squashfs", self._block_size)
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

    def argv(self) -> list[str]:
        """Return the options as mksquashfs takes them."""
        level = ["-Xcompression-level", str(self._level)] if self._level else []
        return ["-comp", self._compression, *level, "-b", self._block_size]

    def lost(self, content: Content) -> Sequence[str]:  # noqa: ARG002 - mksquashfs says itself what it does not keep
        """Return nothing: all that is lost are access control lists, which mksquashfs logs."""
        return ()

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack what the list leaves of the tree."""
        text, odd = exclude_patterns(content.listed.excluded)
        exclude_file = target.with_name(".exclude")
        exclude_file.write_text(text, encoding="utf-8", errors="surrogateescape")
        whiteouts_file = target.with_name(".whiteouts")
        lines, pseudo = whiteouts(content.gone)
        whiteouts_file.write_text(lines, encoding="utf-8", errors="surrogateescape")
        target.unlink(missing_ok=True)
        argv = pack_argv(
            content.tree,
            target,
            self,
            exclude_file,
            odd,
            pseudo=[*(["-pf", str(whiteouts_file)] if lines else []), *pseudo],
            made=content.seen.made_s,
            memory_mb=memory_mb(len(os.sched_getaffinity(0)), _machine_mb()),
        )
        content.seen.run(
            argv,
            env={"SOURCE_DATE_EPOCH": None},  # mksquashfs takes one way of saying when, not two
            on_line=follow(report),
        )
        exclude_file.unlink()
        whiteouts_file.unlink()

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


def pack_argv(
    tree: Path,
    output: Path,
    packed: Squashfs,
    exclude_file: Path,
    odd: Iterable[str],
    *,
    pseudo: Sequence[str] = (),
    made: int,
    memory_mb: int,
) -> list[str]:
    """Return the argv that packs a tree; `odd` are exclude patterns that no file of lines can hold.

    `pseudo` are options that define files which are not in the tree. `made` is the time stamp of the packed file
    system itself, in seconds since the epoch; `memory_mb` (MiB) is what may wait between the readers and the writer,
    and changes no byte of the result.
    """
    odd = list(odd)
    return [
        "mksquashfs", str(tree), str(output), "-noappend", "-no-recovery", "-exit-on-error",
        "-mkfs-time", str(made), "-mem", f"{memory_mb}M",
        *packed.argv(), *pseudo,
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


def whiteouts(gone: Iterable[str]) -> tuple[str, list[str]]:
    """Return the definitions of whiteouts as the text of a pseudo file, and options for those that no line can hold.

    A whiteout is the device 0:0 (Documentation/filesystems/overlayfs.rst), which mksquashfs makes up: no such device
    has to be in the tree, and nobody has to be root.
    """
    quoted = (re.sub(r'(["\\])', r"\\\1", path.removeprefix("./")) for path in gone)
    lines = [f'"{path}" C 0 0 0 0 0 0' for path in quoted]
    argv = [word for line in lines if "\n" in line for word in ("-p", line)]
    return "".join(f"{line}\n" for line in lines if "\n" not in line), argv


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


def _machine_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
