"""How squashfs compresses a block, as Linux reads it (fs/squashfs/*_wrapper.c). Each gives the same bytes anywhere."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lz4
import lz4.block
import zstandard

Compress = Callable[[Any], bytes]
_ZSTD_TOLD, _GZIP_TOLD = 15, 9
"""The levels that a root need not name: mksquashfs names the others, and unsquashfs -stat prints them."""
_GZIP_WINDOW = 15


@dataclass(frozen=True)
class Compressor:
    """A method with its level: its number in the superblock, what stands behind that, the library and its version."""

    number: int
    options: bytes
    library: tuple[str, str]
    open: Callable[[], Compress]
    """Make what compresses one block after the other; each thread needs its own."""


def compressor(method: str, level: int | None, block_bytes: int) -> Compressor:
    """Return the compressor of a method; KeyError if squashfs has none of that name here."""
    return {"zstd": _zstd, "lz4": _lz4, "xz": _xz, "gzip": _gzip}[method](level or 0, block_bytes)


def _zstd(level: int, _block: int) -> Compressor:
    told = struct.pack("<I", level) if level != _ZSTD_TOLD else b""
    version = ".".join(map(str, zstandard.ZSTD_VERSION))
    return Compressor(6, told, ("libzstd", version), lambda: zstandard.ZstdCompressor(level=level).compress)


def _lz4(_level: int, _block: int) -> Compressor:
    def compress(block: Any) -> bytes:
        return bytes(lz4.block.compress(block, store_size=False))

    return Compressor(5, struct.pack("<II", 1, 0), ("liblz4", lz4.library_version_string()), lambda: compress)


def _xz(_level: int, block_bytes: int) -> Compressor:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": lzma.PRESET_DEFAULT, "dict_size": max(block_bytes, 8192)}]

    def compress(block: Any) -> bytes:
        return lzma.compress(block, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters)

    # Python does not tell the version of liblzma.
    return Compressor(4, b"", ("liblzma", "5"), lambda: compress)


def _gzip(level: int, _block: int) -> Compressor:
    told = struct.pack("<IHH", level, _GZIP_WINDOW, 0) if level != _GZIP_TOLD else b""
    library = ("zlib", zlib.ZLIB_RUNTIME_VERSION)
    return Compressor(1, told, library, lambda: lambda block: zlib.compress(block, level))
