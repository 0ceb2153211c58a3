"""The data of a squashfs: units are compressed by all processors, or taken from the last root, and written in order."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple

from sbkernel.errors import BuildError
from sbkernel.images.pack.squashfs.compressors import Compress, Compressor
from sbkernel.images.pack.squashfs.inodes import Data
from sbkernel.images.pack.squashfs.stored import LastRoot, Place
from sbkernel.images.pack.squashfs.tables import RAW
from sbkernel.images.pack.squashfs.units import Piece, Unit
from sbkernel.images.sums import key_of

_BLOCKS_AT_ONCE = 8
_WAITING = 32
"""Parts for each processor that may be under way or wait for the writer; the usual one is 1 MiB."""


class Part(NamedTuple):
    """Some blocks of a unit in a row, as they are stored, and their sizes as an inode says them.

    `sha256` is the sum of what is stored, if that is known: of a whole unit that was stored before.
    """

    held: bytes
    sizes: list[int]
    sha256: str = ""


@dataclass
class Layout:
    """Where all has come to lie: contents by sha256, fragment blocks by number, units by digest."""

    contents: dict[str, Data] = field(default_factory=dict)
    fragments: list[tuple[int, int]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def add(self, unit: Unit, place: Place, block_bytes: int) -> None:
        """Add a unit that was written at a place."""
        self.places[unit.digest] = place
        if unit.is_fragment:
            offset = 0
            for piece in unit.pieces:
                self.contents[piece.sha256] = Data(piece.size, fragment=len(self.fragments), offset=offset)
                offset += piece.size
            self.fragments.append((place.start, place.sizes[0]))
            return
        piece, holes = unit.pieces[0], [number for number, size in enumerate(place.sizes) if not size]
        sparse = sum(min(block_bytes, piece.size - number * block_bytes) for number in holes)
        self.contents[piece.sha256] = Data(piece.size, place.start, place.sizes, sparse=sparse)


class DataWriter:
    """Writes the data of files of a tree.

    `taken` are bytes of files that were taken from the last root; `changed` tells whether a file was changed meanwhile.
    """

    def __init__(self, tree: str, compressor: Compressor, block_bytes: int, last: LastRoot) -> None:
        self.taken, self.changed = 0, False
        self._tree, self._last = tree, last
        self._compressor, self._block_bytes = compressor, block_bytes
        self._zeros = bytes(block_bytes)
        self._own = threading.local()

    def write(self, units: Iterable[Unit], out: BinaryIO, counted: Callable[[int], None]) -> Layout:
        """Write units in order; `counted` gets the bytes of them that are done. Raises OSError, BuildError."""
        layout, done, position = Layout(), 0, out.tell()
        for unit, parts in self._made(units):
            start = position
            for part in parts:
                out.write(part.held)
                position += len(part.held)
            sizes = [size for part in parts for size in part.sizes]
            layout.add(unit, Place(start, parts[0].sha256 or _sum(parts), sizes), self._block_bytes)
            self.taken += unit.size if parts[0].sha256 else 0
            done += unit.size
            counted(done)
        return layout

    def _made(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, list[Part]]]:
        """Yield units with their parts; those that come next are worked on meanwhile."""
        waiting: deque[tuple[Unit, list[Future[Part]]]] = deque()
        processors = len(os.sched_getaffinity(0))
        parts = 0
        with _threads(processors) as threads:
            for unit in units:
                waiting.append((unit, [threads.submit(job) for job in self._jobs(unit)]))
                parts += len(waiting[-1][1])
                while parts > _WAITING * processors:
                    parts -= len(waiting[0][1])
                    yield _results(*waiting.popleft())
            while waiting:
                yield _results(*waiting.popleft())

    def _jobs(self, unit: Unit) -> list[Callable[[], Part]]:
        if unit.digest in self._last.places:
            return [partial(self._take, unit)]
        if unit.is_fragment:
            return [partial(self._fragment, unit)]
        step = _BLOCKS_AT_ONCE * self._block_bytes
        return [partial(self._blocks, unit.pieces[0], start, step) for start in range(0, unit.size, step)]

    def _take(self, unit: Unit) -> Part:
        """Take a unit from the last root; it is compressed again if that is damaged."""
        if taken := self._last.take(unit.digest):
            held, place = taken
            return Part(held, list(place.sizes), place.sha256)
        return self._fragment(unit) if unit.is_fragment else self._blocks(unit.pieces[0], 0, unit.size)

    def _fragment(self, unit: Unit) -> Part:
        held, size = self._packed(b"".join([self._read(piece, 0, piece.size) for piece in unit.pieces]))
        return Part(held, [size])

    def _blocks(self, piece: Piece, start: int, count: int) -> Part:
        data = memoryview(self._read(piece, start, min(count, piece.size - start)))
        blocks = (data[begin : begin + self._block_bytes] for begin in range(0, len(data), self._block_bytes))
        packed = [(b"", 0) if block == self._zeros[: len(block)] else self._packed(block) for block in blocks]
        return Part(b"".join([held for held, _ in packed]), [size for _, size in packed])

    def _packed(self, block: bytes | memoryview) -> tuple[bytes, int]:
        """Return a block as it is stored, and its size as an inode says it."""
        compress: Compress | None = getattr(self._own, "compress", None)
        if compress is None:
            compress = self._own.compress = self._compressor.open()
        packed = compress(block)
        return (packed, len(packed)) if len(packed) < len(block) else (bytes(block), len(block) | RAW)

    def _read(self, piece: Piece, start: int, count: int) -> bytes:
        """Read so many bytes of a file. BuildError if it has become shorter."""
        descriptor = os.open(f"{self._tree}/{piece.path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            data = os.pread(descriptor, count, start)
            while len(data) < count and (more := os.pread(descriptor, count - len(data), start + len(data))):
                data += more
            self.changed = self.changed or key_of(os.fstat(descriptor)) != piece.key
        finally:
            os.close(descriptor)
        if len(data) < count:
            raise BuildError(f"{piece.path} was cut while it was packed", hint="pack it again")
        return data


def _sum(parts: Iterable[Part]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(part.held)
    return total.hexdigest()


def _results(unit: Unit, jobs: list[Future[Part]]) -> tuple[Unit, list[Part]]:
    return unit, [job.result() for job in jobs]


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Give threads to a block; when that fails, what they have not begun they never begin."""
    threads = ThreadPoolExecutor(count)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
