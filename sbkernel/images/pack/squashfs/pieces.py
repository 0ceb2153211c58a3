"""The contents of the plain files of a tree, in the order of their paths; what is small is read once, for all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from sbkernel.errors import BuildError
from sbkernel.images.pack import listing
from sbkernel.images.pack.listing import Examined
from sbkernel.images.pack.squashfs.units import Piece


def pieces(examined: Examined, block_bytes: int) -> Iterator[Piece]:
    """Yield the contents of plain files that are not empty, none of them twice; sums that are not known are added.

    A piece smaller than a block that was read for its sum comes with its content. BuildError if a file was cut.
    """
    seen = set[str]()
    for path, key in examined.keys.items():
        size, content = examined.found[path].st_size, b""
        if not size:
            continue
        if key not in examined.read:
            if size < block_bytes:
                content = _small(examined.tree, path, size)
                examined.read[key] = hashlib.sha256(content).hexdigest()
            else:
                examined.read[key] = listing.sum_of(f"{examined.tree}/{path}")
        sha256 = examined.read[key]
        if sha256 not in seen:
            seen.add(sha256)
            yield Piece(sha256, path, size, key, content)


def _small(tree: str, path: str, size: int) -> bytes:
    descriptor = os.open(f"{tree}/{path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return read_part(descriptor, path, 0, size)
    finally:
        os.close(descriptor)


def read_part(descriptor: int, path: str, start: int, count: int) -> bytes:
    """Read so many bytes of an open file. BuildError if it has become shorter."""
    content = os.pread(descriptor, count, start)
    while len(content) < count and (more := os.pread(descriptor, count - len(content), start + len(content))):
        content += more
    if len(content) < count:
        raise BuildError(f"{path} was cut while it was packed", hint="pack it again")
    return content
