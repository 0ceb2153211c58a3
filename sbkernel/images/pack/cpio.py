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
from sbkernel.lists.diagnostic import shown

# Inode and device numbers differ from tree to tree, and so does the count of a directory's links.
_PACK = ("cpio", "-o", "-0", "-H", "newc", "--quiet", "--reproducible")
_UNPACK = (
    "cpio", "-i", "--quiet", "--make-directories", "--preserve-modification-time", "--no-absolute-filenames",
    "--no-preserve-owner",
)  # fmt: skip
# -rw-r--r--   1 0        0              12 Nov 28 22:00 usr/lib/a b
_FILE = re.compile(r"-\S{9} +\d+ +\d+ +\d+ +(\d+) \w{3} [ \d]\d +[\d:]+ (.*)")
# The first letter of the mode, and the name; devices have two numbers in place of the size.
_ENTRY = re.compile(r"(\S)\S{9} .*? \w{3} [ \d]\d +[\d:]{4,5} (.*)")
_LINK = " -> "
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
        capabilities = f"cpio keeps no capabilities: {some(found.capabilities)}; squashfs, erofs and tar do"
        acls = f"cpio keeps no access control lists: {some(found.acls)}; tar does"
        return [*([capabilities] if found.capabilities else []), *([acls] if found.acls else [])]

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack the content."""
        self.compress(_PACK, content, target, report)

    def extract(self, file: Path, target: Path, patterns: Sequence[str]) -> None:
        """Unpack the files that match. BuildError for an archive with a file below a link, which may lead anywhere."""
        self.check(file)
        target.mkdir(parents=True, exist_ok=True)
        with decompressed(file, self.compressor.undo_argv()) as archive:
            run([*_UNPACK, *patterns], cwd=target, stdin=archive)

    def check(self, file: Path) -> None:
        """Raise BuildError if unpacking it would write where a link leads."""
        check_links(self._listed(file), file)

    def sizes(self, file: Path) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of the plain files; of several names, one has the bytes."""
        return ((match[2], int(match[1])) for match in map(_FILE.fullmatch, self._listed(file)) if match)

    def _listed(self, file: Path) -> Sequence[str]:
        with decompressed(file, self.compressor.undo_argv()) as archive:
            return run(["cpio", "-i", "-t", "-v", "--numeric-uid-gid", "--quiet"], stdin=archive).stdout.split("\n")


def check_links(listing: Sequence[str], file: Path) -> None:
    """Raise BuildError if a name in a listing is below a link: no tree is so, and cpio would write where it leads.

    A name may hold the end of a line: then its first line tells, and that of a link is refused.
    """
    links: set[tuple[str, ...]] = set()
    names: set[tuple[str, ...]] = set()
    for kind, text in ((match[1], match[2]) for match in map(_ENTRY.fullmatch, listing) if match):
        words = text.split(_LINK)
        if kind != "l":
            names.add(_parts(text))
        elif len(words) == 1:
            raise _not_of_a_tree(file, text)
        else:
            # Where the name itself holds an arrow, any of them may be the end of it.
            links.update(_parts(_LINK.join(words[:number])) for number in range(1, len(words)))
    for parts in sorted(names | links):
        if ".." in parts or any(parts[:number] in links for number in range(1, len(parts))):
            raise _not_of_a_tree(file, "/".join(parts))


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a path; an empty last one where it ends in a slash."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return (*parts, "") if name.endswith("/") else tuple(parts)


def _not_of_a_tree(file: Path, name: str) -> BuildError:
    return BuildError(
        f"{file} was not made from a tree: {shown(name)} lies below a link", hint="nothing of it was unpacked"
    )
