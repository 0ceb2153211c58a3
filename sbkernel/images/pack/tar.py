"""tar: keeps capabilities and access control lists; a node unpacks it with GNU tar, as busybox cannot (tar(1))."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from sbkernel.errors import CommandError
from sbkernel.images.pack.archive import Archive, some
from sbkernel.images.pack.compressors import unpacking
from sbkernel.images.pack.content import Content
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.stream import decompressed
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run

# Time stamps keep whole seconds, as in the other formats; the names of headers would hold tar's process number.
_PACK = (
    "tar", "--create", "--file=-", "--no-recursion", "--null", "--files-from=-", "--numeric-owner",
    "--format=posix", "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime",
    "--xattrs", "--xattrs-include=*", "--acls",
)  # fmt: skip
_UNPACK = ("tar", "--extract", "--file=-", "--no-same-owner", "--delay-directory-restore", "--")


class Tar(Archive):
    """The format tar."""

    def __init__(self, options: PackOptions) -> None:
        super().__init__("tar", options)

    @property
    def node_programs(self) -> Sequence[str]:
        """Return tar, and zstd if it is needed."""
        return ("tar", *unpacking(self.compressor))

    def lost(self, content: Content) -> Sequence[str]:
        """Return a warning for sockets, which programs make anew anyway."""
        sockets = content.survey.sockets
        return (f"tar keeps no sockets: {some(sockets)}",) if sockets else ()

    def pack(self, content: Content, target: Path, report: Report) -> None:
        """Pack the content."""
        self.compress(_PACK, content, target, report)

    def extract(self, file: Path, target: Path, patterns: Sequence[str]) -> None:
        """Unpack the files that match."""
        target.mkdir(parents=True, exist_ok=True)
        names = [name for name, _ in self._members(file) if any(fnmatchcase(_plain(name), one) for one in patterns)]
        if names:
            with decompressed(file, self.compressor.undo_argv()) as archive:
                run([*_UNPACK, *names], cwd=target, stdin=archive)

    def sizes(self, file: Path) -> Iterator[tuple[str, int]]:
        """Yield path and bytes of the plain files; of several names, one has the bytes."""
        return ((_plain(name), member.size) for name, member in self._members(file) if member.isreg())

    def _members(self, file: Path) -> Iterator[tuple[str, tarfile.TarInfo]]:
        try:
            with decompressed(file, self.compressor.undo_argv()) as stream, _reader(stream) as tar:
                for member in tar:
                    yield member.name, member
        except tarfile.TarError as error:
            raise CommandError(["tar"], 2, str(error)) from error


def _reader(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape")


def _plain(name: str) -> str:
    return name.removeprefix("./")
