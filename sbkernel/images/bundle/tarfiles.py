"""Tar archives as a stream of members, read strictly and written the same every time (tar(5): ustar, GNU, pax).

Python's tarfile extracts, follows links and holds whatever a header says in memory; here a member is a name that was
looked at, a kind, and bytes that somebody asks for.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple

from sbkernel.errors import BuildError

BLOCK = 512
PIECE = 1 << 20
END = bytes(2 * BLOCK)
_LONGEST_HEADER = 1 << 20
"""Bytes of a long name or of pax records: more is no name."""
_LONGEST_HEADERS = 4 << 20
"""Bytes of all that may stand before one content; it is held in memory."""
_LARGEST = 1 << 60
_EXTENDED = {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_KINDS = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.CONTTYPE: "file", tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symbolic link", tarfile.LNKTYPE: "hard link", tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device", tarfile.FIFOTYPE: "pipe",
}  # fmt: skip


class Member(NamedTuple):
    """A member: a relative path without dots, what it is, its size in bytes, its mode, where a link points.

    `device` are a device's numbers, and `raw` is all that stood before the content in the archive.
    """

    name: str
    kind: str
    size: int
    mode: int
    target: str
    device: tuple[int, int]
    raw: bytes


class Tar:
    """The members of an archive, in its order. `source` names it in errors; the stream is read once, forwards."""

    def __init__(self, source: object, stream: IO[bytes]) -> None:
        self._source = source
        self._stream = stream
        self._left = self._padding = 0
        self._raw = bytearray()

    def __iter__(self) -> Iterator[Member]:
        """Yield the members; BuildError for what is no tar archive, for names that lead out of it, for a short one."""
        while True:
            self._skip()
            self._raw.clear()
            more: dict[str, str] = {}
            while (header := self._header()) is not None and header.type in {*_EXTENDED, tarfile.XGLTYPE}:
                more |= self._extended(header)
            if header is None:
                return
            yield self._member(header, more)

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of the member that was yielded last; BuildError if the archive ends before it does."""
        while self._left:
            piece = self._stream.read(min(self._left, PIECE))
            if not piece:
                raise self.error("it is truncated")
            self._left -= len(piece)
            yield piece

    def content(self, member: Member, most: int) -> bytes:
        """Return a small file whole; BuildError if it is larger than `most` bytes."""
        if member.size > most:
            raise self.error(f"{member.name} has {member.size} bytes, more than such a file can have")
        return b"".join(self.chunks())

    def error(self, said: str) -> BuildError:
        """Return the error that names the archive."""
        return BuildError(
            f"{self._source}: {said}", hint="nothing was imported; was it copied whole, and is it genuine?"
        )

    def _member(self, header: tarfile.TarInfo, more: Mapping[str, str]) -> Member:
        kind = _KINDS.get(header.type)
        if kind is None or any(key.startswith("GNU.sparse") for key in more):
            raise self.error(f"{header.name!r} is a member of a kind that no such archive has")
        said = more.get("size", "")
        size = int(said) if said.isdecimal() and len(said) < 20 else header.size
        if not 0 <= size <= _LARGEST or (kind != "file" and size):
            raise self.error(f"{header.name!r} has a size that cannot be")
        self._begin(size)
        name, target = more.get("path", header.name), more.get("linkpath", header.linkname)
        device = (header.devmajor, header.devminor)
        return Member(self._inside(name), kind, size, header.mode, target, device, bytes(self._raw))

    def _inside(self, name: str) -> str:
        parts = [part for part in name.rstrip("/").split("/") if part != "."]
        if any(part in ("", "..") for part in parts) or "\0" in name:
            raise self.error(f"a name in it leads out of it: {name!r}")
        return "/".join(parts)

    def _header(self) -> tarfile.TarInfo | None:
        block = self._stream.read(BLOCK)
        if len(block) < BLOCK:
            raise self.error("it is truncated")
        self._raw += block
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            if not any(block):
                return None
            raise self.error("it is damaged, or no tar archive") from error

    def _extended(self, header: tarfile.TarInfo) -> dict[str, str]:
        if not 0 <= header.size <= _LONGEST_HEADER or len(self._raw) > _LONGEST_HEADERS:
            raise self.error(f"it has a name of {header.size} bytes")
        self._begin(header.size)
        data = b"".join(self.chunks())
        self._raw += data + padding(len(data))
        self._skip()
        if header.type == tarfile.GNUTYPE_LONGNAME:
            return {"path": _text(data.rstrip(b"\0"))}
        if header.type == tarfile.GNUTYPE_LONGLINK:
            return {"linkpath": _text(data.rstrip(b"\0"))}
        return {} if header.type == tarfile.XGLTYPE else self._records(data)

    def _records(self, data: bytes) -> dict[str, str]:
        found = {}
        while data:
            length, blank, _ = data.partition(b" ")
            count = int(length) if length.isdigit() and len(length) < 8 else 0
            key, equals, value = data[len(length) + 1 : count - 1].partition(b"=")
            if not (blank and equals and len(length) + 2 < count <= len(data)):
                raise self.error("it is damaged: a pax header cannot be read")
            found[_text(key)] = _text(value)
            data = data[count:]
        return found

    def _begin(self, size: int) -> None:
        self._left, self._padding = size, -size % BLOCK

    def _skip(self) -> None:
        """Go to the next header: past what is left of a content, and what fills its last block."""
        rest = self._left + self._padding
        self._left = self._padding = 0
        if rest and self._stream.seekable():
            try:
                self._stream.seek(rest, os.SEEK_CUR)
            except OSError as error:  # no file system here has files as long as that
                raise self.error("it is truncated") from error
            return
        while rest:
            piece = self._stream.read(min(rest, PIECE))
            if not piece:
                raise self.error("it is truncated")
            rest -= len(piece)


def header(name: str, size: int, mode: int = 0o644, kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return what stands before a file in an archive: root's, and as old as the epoch."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type = size, mode, kind
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def directory(name: str) -> bytes:
    """Return a directory in an archive."""
    return header(name, 0, 0o755, tarfile.DIRTYPE)


def padding(size: int) -> bytes:
    """Return what fills the last block of a content."""
    return bytes(-size % BLOCK)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
