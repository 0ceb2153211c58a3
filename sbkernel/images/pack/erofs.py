"""erofs: mounted like squashfs, faster to read, larger; needs Linux 5.13 (mkfs.erofs(1), erofs-utils 1.5).

mkfs.erofs keeps time stamps with their fractions of a second, and access control lists, which squashfs does not.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import (
    NO_LIBRARIES,
    WHOLE,
    PackOptions,
    block_bytes,
    check_compression,
    checked_level,
)
from sbkernel.jobs.command import find_program
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

# Of 223 MB of programs, lz4 makes 118 MB in 0.6 s of processor time, lz4hc 102 MB in 2.5 s, at level 9 100 MB in 7 s.
# What is compressed already takes lz4 0.025 s a megabyte, but lz4hc 0.6 s; so it is not the default.
LEVELS = {"lz4hc": (3, 12)}
METHODS = ("lz4", "lz4hc")
BLOCK_SIZE = "64K"
MAGIC = b"\xe2\xe1\xf5\xe0"
MAGIC_AT = 1024

# Each name that is left out is a word of its command line. Linux takes 2 MB of them, or 6 MB with a larger stack.
_USUAL_BYTES, _MOST_BYTES = 1 << 20, 5 << 20
_STACK_BYTES = 32 << 20
_POINTER_BYTES = 8
_FIXED_UUID = "00000000-0000-0000-0000-000000000000"
_LINE = "Processing "


class Erofs:
    """The format erofs."""

    file_name = "root.erofs"
    node_programs = ()
    libraries = NO_LIBRARIES
    unpacked = False
    stacks = True

    def __init__(self, options: PackOptions | None = None) -> None:
        asked = options or PackOptions("erofs")
        self._compression = asked.compression or METHODS[0]
        check_compression(self._compression, METHODS)
        self._block_size = BLOCK_SIZE if asked.block_size is None else asked.block_size
        self._block_bytes = block_bytes("erofs", self._block_size)
        self._level = checked_level(self._compression, asked.level, LEVELS)

    @property
    def described(self) -> dict[str, Any]:
        """Return the options with all defaults filled in."""
        return {
            "method": "erofs",
            "compression": self._compression,
            "level": self._level,
            "block_size": self._block_size,
        }

    def lost(self, content: Content) -> Sequence[str]:
        """Return nothing, as all is kept. BuildError if the exlist leaves out more than fits a command line."""
        if not content.is_layer and _words_bytes(_excluded(content)) > _MOST_BYTES:
            raise BuildError(
                f"mkfs.erofs cannot leave out {len(content.listed.excluded)} paths one by one",
                hint="let the exlist name whole directories, or pack with -m squashfs",
            )
        return ()

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack what the list leaves of the tree; a layer is copied, as mkfs.erofs can leave out, but not make up."""
        if content.is_layer:
            with content.copied() as tree:
                self._pack(content, tree, [], target, report)
        else:
            self._pack(content, content.tree, _excluded(content), target, report)

    def _pack(self, content: Content, tree: Path, excluded: list[str], target: Path, report: Report) -> None:
        target.unlink(missing_ok=True)
        level = f",{self._level}" if self._level else ""
        many = _words_bytes(excluded) > _USUAL_BYTES
        argv = [
            *(["prlimit", f"--stack={_STACK_BYTES}:"] if many else []),
            find_program("mkfs.erofs"), f"-z{self._compression}{level}", f"-C{self._block_bytes}", f"-U{_FIXED_UUID}",
            *excluded, str(target), str(tree),
        ]  # fmt: skip
        # Later stamps than this one would become this one; with -T all would, and Python compile its modules anew.
        epoch = {"SOURCE_DATE_EPOCH": str(content.survey.newest_s)}
        content.seen.run(argv, env=epoch, on_line=_follow(len(content.listed.kept), report))

    def extract(self, file: Path, target: Path, patterns: Sequence[str]) -> None:
        """Unpack the files that match; fsck.erofs unpacks all, which are then chosen from."""
        target.mkdir(parents=True, exist_ok=True)
        with _unpacked(file, beside=target) as tree:
            for path in _files(tree):
                name = str(path.relative_to(tree))
                if any(fnmatchcase(name, pattern) for pattern in patterns):
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    path.replace(target / name)

    def sizes(self, file: Path) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of the plain files; one with several names has its bytes under each."""
        with _unpacked(file) as tree:
            yield from [(str(path.relative_to(tree)), path.lstat().st_size) for path in _files(tree)]


def _excluded(content: Content) -> list[str]:
    return [f"--exclude-path={path}" for path in content.listed.excluded]


def _words_bytes(words: Sequence[str]) -> int:
    return sum(len(os.fsencode(word)) + 1 + _POINTER_BYTES for word in words)


def _follow(expected: int, report: Report) -> Callable[[str], None]:
    """Return an on_line for mkfs.erofs, which names what it packs: names become progress, other lines the log."""
    packed = told = 0

    def on_line(line: str) -> None:
        nonlocal packed, told
        # Terminals are told to go back to the begin of the line before each name.
        if _LINE not in line:
            report.log(line)
            return
        packed += 1
        done = min(WHOLE, WHOLE * packed // max(1, expected - 1))
        if done > told:
            told = done
            report.progress(done, WHOLE, f"{packed} paths")

    return on_line


@contextmanager
def _unpacked(file: Path, beside: Path | None = None) -> Iterator[Path]:
    """Unpack all of a root for a block; nothing of it is left after that."""
    with tempfile.TemporaryDirectory(prefix=".erofs-", dir=beside and beside.parent) as scratch:
        tree = Path(scratch, "tree")
        run(["fsck.erofs", f"--extract={tree}", "--no-preserve", file])
        yield tree


def _files(tree: Path) -> Iterator[Path]:
    return (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
