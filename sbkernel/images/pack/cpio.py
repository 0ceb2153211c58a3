"""cpio: xCAT's default; a node unpacks it with its busybox (newc of cpio(5), as the kernel reads it)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.pack.archive import Archive, some
from sbkernel.images.pack.compressors import unpacking
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.stream import decompressed
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

# Inode and device numbers differ from tree to tree, and so does the count of a directory's links.
_PACK = ("cpio", "-o", "-0", "-H", "newc", "--quiet", "--reproducible")
_UNPACK = (
    "cpio", "-i", "--quiet", "--make-directories", "--preserve-modification-time", "--no-absolute-filenames",
    "--no-preserve-owner",
)  # fmt: skip
# -rw-r--r--   1 0        0              12 Nov 28 22:00 usr/lib/a b
_FILE = re.compile(r"-\S{9} +\d+ +\d+ +\d+ +(\d+) \w{3} [ \d]\d +[\d:]+ (.*)")
# cpio takes an entry of this name for the end of the archive, also when it reads one.
_END = "./TRAILER!!!"


class Cpio(Archive):
    """The format cpio."""

    def __init__(self, options: PackOptions) -> None:
        super().__init__("cpio", options)

    @property
    def node_programs(self) -> Sequence[str]:
        """Return zstd, or nothing: busybox has the others."""
        return unpacking(self.compressor)

    def lost(self, content: Content) -> Sequence[str]:
        """Return a warning for capabilities and access control lists; refuse files of 4 GiB and more."""
        found = content.survey
        if found.large:
            raise BuildError(
                f"cpio cannot hold files of 4 GiB and more: {some(found.large)}",
                hint="exclude them in the exlist, or pack with -m squashfs or -m tar",
            )
        if _END in content.listed.kept:
            raise BuildError(f"cpio cannot hold a file called {_END[2:]}", hint="pack with -m squashfs or -m tar")
        capabilities = f"cpio keeps no capabilities: {some(found.capabilities)}; squashfs and tar do"
        acls = f"cpio keeps no access control lists: {some(found.acls)}; tar does"
        return [*([capabilities] if found.capabilities else []), *([acls] if found.acls else [])]

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack the content."""
        self.compress(_PACK, content, target, report)

    def extract(self, file: Path, target: Path, patterns: Sequence[str]) -> None:
        """Unpack the files that match."""
        target.mkdir(parents=True, exist_ok=True)
        with decompressed(file, self.compressor.undo_argv()) as archive:
            run([*_UNPACK, *patterns], cwd=target, stdin=archive)

    def sizes(self, file: Path) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of the plain files; of several names, one has the bytes."""
        with decompressed(file, self.compressor.undo_argv()) as archive:
            listing = run(["cpio", "-i", "-t", "-v", "--numeric-uid-gid", "--quiet"], stdin=archive).stdout
        return ((match[2], int(match[1])) for match in map(_FILE.fullmatch, listing.split("\n")) if match)
