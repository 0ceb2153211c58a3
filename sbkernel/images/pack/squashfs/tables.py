"""The tables of squashfs 4.0: metadata in blocks of 8 KiB, where to find them, and the superblock. Pure.

The source is Linux, fs/squashfs/squashfs_fs.h and Documentation/filesystems/squashfs.rst.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sbkernel.errors import BuildError
from sbkernel.images.pack.squashfs.compressors import Compress, Compressor

SUPERBLOCK_BYTES = 96
NONE = 0xFFFF_FFFF
"""No fragment, no attributes."""
NOWHERE = 0xFFFF_FFFF_FFFF_FFFF
RAW = 1 << 24
"""Of the size of a block of data: it is stored as it was."""

_MAGIC = 0x73717368
METADATA_BYTES = 8192
_METADATA_RAW = 0x8000
_DUPLICATES, _EXPORTABLE, _NO_ATTRIBUTES, _HAS_OPTIONS = 0x40, 0x80, 0x200, 0x400
_MOST_IDS = 0xFFFF
_SPACES = {"user": 0, "trusted": 1, "security": 2}


class Metadata:
    """A row of metadata blocks, to which records are appended."""

    def __init__(self, compress: Compress) -> None:
        self._compress = compress
        self._done, self._open = bytearray(), bytearray()
        self.starts: list[int] = []

    @property
    def place(self) -> tuple[int, int]:
        """Return where the next record begins: the start of its block in the row, and the place in it when unpacked."""
        return len(self._done), len(self._open)

    @property
    def position(self) -> int:
        """Return how many bytes were appended so far."""
        return len(self.starts) * METADATA_BYTES + len(self._open)

    def start_of(self, position: int) -> int:
        """Return where the block starts that holds what was appended at a position."""
        number = position // METADATA_BYTES
        return self.starts[number] if number < len(self.starts) else len(self._done)

    def append(self, record: bytes) -> None:
        """Append a record, which may reach into further blocks."""
        self._open += record
        while len(self._open) >= METADATA_BYTES:
            self._close(self._open[:METADATA_BYTES])
            del self._open[:METADATA_BYTES]

    def whole(self) -> bytes:
        """Close the last block; return the row."""
        if self._open:
            self._close(self._open)
            self._open = bytearray()
        return bytes(self._done)

    def _close(self, block: bytearray) -> None:
        self.starts.append(len(self._done))
        self._done += metadata_block(bytes(block), self._compress)


def metadata_block(block: bytes, compress: Compress | None) -> bytes:
    """Return one metadata block as it is stored: without a way to compress, or smaller so, as it is."""
    packed = compress(block) if compress else block
    if len(packed) < len(block):
        return struct.pack("<H", len(packed)) + packed
    return struct.pack("<H", len(block) | _METADATA_RAW) + block


def reference(place: tuple[int, int]) -> int:
    """Return a place in a row of metadata blocks as one number."""
    start, offset = place
    return start << 16 | offset


class Ids:
    """The numbers of owners and groups, which inodes name by their place here."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}

    def place(self, number: int) -> int:
        """Return the place of a number. BuildError if there are too many."""
        place = self._places.setdefault(number, len(self._places))
        if place >= _MOST_IDS:
            raise BuildError(f"squashfs can hold {_MOST_IDS} owners and groups, and there are more")
        return place

    @property
    def numbers(self) -> list[int]:
        """Return the numbers by their places."""
        return list(self._places)


class Attributes:
    """The sets of extended attributes, which inodes name by their place here; equal sets are one."""

    def __init__(self, compress: Compress) -> None:
        self._compress, self._rows = compress, Metadata(compress)
        self._places: dict[bytes, int] = {}
        self._records: list[bytes] = []

    def place(self, attributes: Sequence[tuple[str, bytes]]) -> int:
        """Return the place of a set, NONE of an empty one."""
        if not attributes:
            return NONE
        held = b"".join(_attribute(name, value) for name, value in attributes)
        if held not in self._places:
            self._places[held] = len(self._records)
            self._records.append(struct.pack("<QII", reference(self._rows.place), len(attributes), len(held)))
            self._rows.append(held)
        return self._places[held]

    def table(self, start: int) -> tuple[bytes, int]:
        """Return the bytes of the table, which come to lie at `start`, and where its head is."""
        if not self._records:
            return b"", NOWHERE
        rows = self._rows.whole()
        ids = Metadata(self._compress)
        for record in self._records:
            ids.append(record)
        id_rows = ids.whole()
        head = start + len(rows) + len(id_rows)
        pointers = [start + len(rows) + one for one in ids.starts]
        return rows + id_rows + struct.pack("<QII", start, len(self._records), 0) + _numbers(pointers), head


def keeps(name: str) -> bool:
    """Tell whether squashfs can keep an extended attribute of that name."""
    return name.partition(".")[0] in _SPACES


def _attribute(name: str, value: bytes) -> bytes:
    space, _, rest = name.partition(".")
    own = rest.encode(errors="surrogateescape")
    return struct.pack("<HH", _SPACES[space], len(own)) + own + struct.pack("<I", len(value)) + value


def _numbers(numbers: Iterable[int]) -> bytes:
    every = list(numbers)
    return struct.pack(f"<{len(every)}Q", *every)


@dataclass
class Closing:
    """All that comes behind the data of a file system; `exports` are the places of inodes, `root` the number of one."""

    inodes: Metadata
    directories: Metadata
    fragments: Sequence[tuple[int, int]]
    attributes: Attributes
    exports: Sequence[int]
    root: int
    ids: Ids

    def close(self, how: Compressor, block_bytes: int, made_s: int, start: int) -> tuple[bytes, bytes]:
        """Return the superblock with the options, and the tables, which come to lie at `start`."""
        compress, out = how.open(), bytearray()

        def put(rows: bytes) -> int:
            out.extend(rows)
            return start + len(out) - len(rows)

        def put_table(records: Iterable[bytes]) -> int:
            """Put a table of records behind the others; return where the starts of its blocks are listed."""
            table = Metadata(compress)
            for record in records:
                table.append(record)
            begin = put(table.whole())
            return put(_numbers(begin + one for one in table.starts))

        inodes, directories = put(self.inodes.whole()), put(self.directories.whole())
        fragments = put_table(struct.pack("<QII", at, size, 0) for at, size in self.fragments)
        exports = put_table(struct.pack("<Q", one) for one in self.exports)
        ids = put_table(struct.pack("<I", one) for one in self.ids.numbers)
        attributes, head = self.attributes.table(start + len(out))
        put(attributes)
        flags = _DUPLICATES | _EXPORTABLE
        flags |= (_NO_ATTRIBUTES if head == NOWHERE else 0) | (_HAS_OPTIONS if how.options else 0)
        superblock = struct.pack(
            "<IIIIIHHHHHHQQQQQQQQ",
            _MAGIC, len(self.exports), made_s, block_bytes, len(self.fragments),
            how.number, block_bytes.bit_length() - 1, flags, len(self.ids.numbers), 4, 0,
            self.exports[self.root - 1], start + len(out), ids, head, inodes, directories, fragments, exports,
        )  # fmt: skip
        return superblock + options_block(how), bytes(out)


def options_block(compressor: Compressor) -> bytes:
    """Return what stands behind the superblock: the options of a compressor, if there is one to name."""
    return metadata_block(compressor.options, None) if compressor.options else b""
