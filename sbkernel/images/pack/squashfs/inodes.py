"""Inodes and directories of squashfs 4.0 as bytes. Pure; the source is Linux, fs/squashfs/squashfs_fs.h."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sbkernel.images.pack.squashfs.tables import METADATA_BYTES, NONE

DIRECTORY, FILE, LINK, BLOCK, CHARACTER, FIFO, SOCKET = range(1, 8)
_LONG = 7
"""What is added to a kind when its inode is of the long sort."""
_KINDS = {
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFREG: FILE,
    stat.S_IFLNK: LINK,
    stat.S_IFBLK: BLOCK,
    stat.S_IFCHR: CHARACTER,
    stat.S_IFIFO: FIFO,
    stat.S_IFSOCK: SOCKET,
}
_MOST_ENTRIES = 256
_FURTHEST = 0x7FFF
_HEAD = struct.Struct("<HHHHII")
_HEADER, _ENTRY = struct.Struct("<III"), struct.Struct("<HhHH")
_ENTRY_BYTES = _HEADER.size + _ENTRY.size
"""What an entry takes beside its name, at most."""
_DOTS = 3
"""What the size of a directory counts for `.` and `..`, which it does not hold."""
_SHORT_LISTING = 0xFFFF


class Head(NamedTuple):
    """What every inode begins with; owner and group are their places among the ids."""

    kind: int
    permissions: int
    owner: int
    group: int
    mtime_s: int
    number: int

    def packed(self, *, is_long: bool) -> bytes:
        """Return it as bytes."""
        return _HEAD.pack(self.kind + _LONG if is_long else self.kind, *self[1:])


def head(status: os.stat_result, owner: int, group: int, number: int) -> Head:
    """Return the head of an inode. Time stamps before 1970 or after 2106 become the nearest that there is."""
    mode, mtime_s = status.st_mode, status.st_mtime_ns // 10**9
    return Head(_KINDS[stat.S_IFMT(mode)], stat.S_IMODE(mode), owner, group, min(max(mtime_s, 0), 0xFFFF_FFFF), number)


class Data(NamedTuple):
    """Where the bytes of a file are: in blocks from `start` on, of these sizes, or in a fragment at an offset.

    A block of zeros has size 0, and is not stored; `sparse` are the bytes of these.
    """

    size: int = 0
    start: int = 0
    blocks: Sequence[int] = ()
    fragment: int = NONE
    offset: int = 0
    sparse: int = 0


def file_inode(head: Head, data: Data, links: int, attributes: int) -> bytes:
    """Return the inode of a plain file."""
    sizes = struct.pack(f"<{len(data.blocks)}I", *data.blocks)
    if links == 1 and attributes == NONE and not data.sparse and max(data.start, data.size) <= 0xFFFF_FFFF:
        fields = struct.pack("<IIII", data.start, data.fragment, data.offset, data.size)
        return head.packed(is_long=False) + fields + sizes
    where = (data.fragment, data.offset, attributes)
    fields = struct.pack("<QQQIIII", data.start, data.size, data.sparse, links, *where)
    return head.packed(is_long=True) + fields + sizes


def other_inode(head: Head, links: int, attributes: int, *, target: bytes = b"", device: int = 0) -> bytes:
    """Return the inode of a symbolic link, a device (st_rdev), a fifo or a socket."""
    is_long = attributes != NONE
    fields = struct.pack("<I", links)
    if head.kind == LINK:
        fields += struct.pack("<I", len(target)) + target
    elif head.kind in (BLOCK, CHARACTER):
        fields += struct.pack("<I", _device(device))
    return head.packed(is_long=is_long) + fields + (struct.pack("<I", attributes) if is_long else b"")


def _device(number: int) -> int:
    """Return a device number as Linux writes it on disks (new_encode_dev)."""
    major, minor = os.major(number), os.minor(number)
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


class Inode(NamedTuple):
    """Where an inode is: the start of its metadata block, and the place in that when unpacked."""

    kind: int
    number: int
    block: int
    offset: int


@dataclass
class Listing:
    """The entries of a directory as bytes, and for one of many where its parts begin: offset and first name."""

    held: bytes
    parts: Sequence[tuple[int, bytes]]


def listing(entries: Sequence[tuple[bytes, Inode]]) -> Listing:
    """Return the listing of names, which are sorted; those in a row that have much in common share a header."""
    out, parts = bytearray(), list[tuple[int, bytes]]()
    first, count, header, boundary = Inode(0, 0, -1, 0), 0, 0, 0
    for name, inode in entries:
        if len(out) + _ENTRY_BYTES + len(name) > boundary + METADATA_BYTES:
            # Whoever looks for a name begins at the last part that may hold it.
            boundary, count = len(out), _MOST_ENTRIES
            parts.append((boundary, name))
        apart = inode.number - first.number
        if count == _MOST_ENTRIES or inode.block != first.block or not -_FURTHEST <= apart <= _FURTHEST:
            first, count, header, apart = inode, 0, len(out), 0
            out += bytes(_HEADER.size)
        out += _ENTRY.pack(inode.offset, apart, inode.kind, len(name) - 1) + name
        _HEADER.pack_into(out, header, count, first.block, first.number)
        count += 1
    return Listing(bytes(out), parts)


class Spot(NamedTuple):
    """Where a listing begins: the start of its metadata block, and the place in that when unpacked."""

    block: int
    offset: int


def directory_inode(
    head: Head, spot: Spot, listed: Listing, parts: Sequence[int], *, links: int, parent: int, attributes: int
) -> bytes:
    """Return the inode of a directory; `parts` are the starts of the metadata blocks in which its parts begin."""
    size = len(listed.held) + _DOTS
    if not parts and attributes == NONE and size <= _SHORT_LISTING:
        fields = struct.pack("<IIHHI", spot.block, links, size, spot.offset, parent)
        return head.packed(is_long=False) + fields
    fields = struct.pack("<IIIIHHI", links, size, spot.block, parent, len(parts), spot.offset, attributes)
    index = b"".join(
        struct.pack("<III", offset, block, len(name) - 1) + name
        for (offset, name), block in zip(listed.parts, parts, strict=True)
    )
    return head.packed(is_long=True) + fields + index
