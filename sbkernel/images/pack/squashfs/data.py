"""The data of a squashfs: units are compressed by all processors, or taken from the last root, and written in order."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

from sbkernel.images.pack.squashfs.compressors import Compress, Compressor
from sbkernel.images.pack.squashfs.inodes import Data
from sbkernel.images.pack.squashfs.pieces import read_part
from sbkernel.images.pack.squashfs.stored import LastRoot, Place
from sbkernel.images.pack.squashfs.tables import RAW
from sbkernel.images.pack.squashfs.units import Fragment, Piece, Stretch, Unit, batches
from sbkernel.images.sums import key_of

_WAITING = 8
"""Batches of units, of 1 or 2 MiB, that may be under way for each processor or wait for the writer."""


class Packed(NamedTuple):
    """A unit as it is stored, and the sizes of its blocks as an inode says them.

    `sha256` is the sum of what is stored; `is_taken` tells that it was stored before.
    """

    held: bytes
    sizes: Sequence[int]
    sha256: str
    is_taken: bool = False


@dataclass
class Layout:
    """Where all has come to lie: contents by sha256, fragment blocks by number, units by digest."""

    block_bytes: int
    contents: dict[str, Data] = field(default_factory=dict)
    fragments: list[tuple[int, int]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    _start: int = 0
    _blocks: list[int] = field(default_factory=list)
    """Where the large file that is under way begins, and its blocks so far: the units of one follow each other."""

    def add(self, unit: Unit, place: Place) -> None:
        """Add a unit that was written at a place."""
        self.places[unit.digest] = place
        if isinstance(unit, Fragment):
            self._add_fragment(unit, place)
        else:
            self._add_stretch(unit, place)

    def _add_fragment(self, unit: Fragment, place: Place) -> None:
        offset = 0
        for piece in unit.pieces:
            self.contents[piece.sha256] = Data(piece.size, fragment=len(self.fragments), offset=offset)
            offset += piece.size
        self.fragments.append((place.start, place.sizes[0]))

    def _add_stretch(self, unit: Stretch, place: Place) -> None:
        if not unit.start:
            self._blocks, self._start = [], place.start
        self._blocks += place.sizes
        if unit.is_last:
            size = unit.piece.size
            holes = (number * self.block_bytes for number, stored in enumerate(self._blocks) if not stored)
            sparse = sum(min(self.block_bytes, size - at) for at in holes)
            self.contents[unit.piece.sha256] = Data(size, self._start, self._blocks, sparse=sparse)


class DataWriter:
    """Writes the data of files of a tree.

    `done` are the bytes of files that were written, `taken` those of them that were taken from the last root; `changed`
    tells whether a file was changed meanwhile.
    """

    def __init__(self, tree: str, compressor: Compressor, block_bytes: int, last: LastRoot) -> None:
        self.done, self.taken, self.changed = 0, 0, False
        self._tree, self._last = tree, last
        self._compressor, self._block_bytes = compressor, block_bytes
        self._zeros = bytes(block_bytes)
        self._own = threading.local()

    def write(self, units: Iterable[Unit], out: BinaryIO, counted: Callable[[int], None]) -> Layout:
        """Write units in order; `counted` is called with `done` after each. Raises OSError, BuildError."""
        layout, position = Layout(self._block_bytes), out.tell()
        for unit, packed in self._made(units):
            out.write(packed.held)
            layout.add(unit, Place(position, packed.sha256, packed.sizes))
            position += len(packed.held)
            self.taken += unit.size if packed.is_taken else 0
            self.done += unit.size
            counted(self.done)
        return layout

    def _made(self, units: Iterable[Unit]) -> Iterator[tuple[Unit, Packed]]:
        """Yield units as they are stored; those that come next are worked on meanwhile."""
        waiting: deque[tuple[Sequence[Unit], Future[list[Packed]]]] = deque()
        processors = len(os.sched_getaffinity(0))
        with workers() as threads:
            for batch in batches(units):
                waiting.append((batch, threads.submit(self._make_all, batch)))
                if len(waiting) > _WAITING * processors:
                    first, packed = waiting.popleft()
                    yield from zip(first, packed.result(), strict=True)
            for batch, packed in waiting:
                yield from zip(batch, packed.result(), strict=True)

    def _make_all(self, batch: Sequence[Unit]) -> list[Packed]:
        return [self._make(unit) for unit in batch]

    def _make(self, unit: Unit) -> Packed:
        """Take a unit from the last root, or compress it where that does not have it or is damaged."""
        if unit.digest in self._last.places and (taken := self._last.take(unit.digest)):
            held, place = taken
            return Packed(held, place.sizes, place.sha256, is_taken=True)
        blocks = self._fragment(unit) if isinstance(unit, Fragment) else self._stretch(unit)
        held = b"".join([block for block, _ in blocks])
        return Packed(held, [size for _, size in blocks], hashlib.sha256(held).hexdigest())

    def _fragment(self, unit: Fragment) -> list[tuple[bytes, int]]:
        return [self._packed(b"".join([piece.content or self._read(piece, 0, piece.size) for piece in unit.pieces]))]

    def _stretch(self, unit: Stretch) -> list[tuple[bytes, int]]:
        data = memoryview(self._read(unit.piece, unit.start, unit.size))
        blocks = (data[begin : begin + self._block_bytes] for begin in range(0, len(data), self._block_bytes))
        return [(b"", 0) if block == self._zeros[: len(block)] else self._packed(block) for block in blocks]

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
            data = read_part(descriptor, piece.path, start, count)
            self.changed = self.changed or key_of(os.fstat(descriptor)) != piece.key
            return data
        finally:
            os.close(descriptor)


class AtOnce(Executor):
    """Does all where it is asked for it: on one processor threads only wait for each other."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Future[Any]:
        """Call the function; return what it returns, or raises, as a future."""
        done: Future[Any] = Future()
        try:
            done.set_result(function(*args, **keywords))
        except Exception as error:
            done.set_exception(error)
        return done


@contextmanager
def workers() -> Iterator[Executor]:
    """Give a thread for each processor to a block; when that fails, what they have not begun they never begin."""
    count = len(os.sched_getaffinity(0))
    threads = ThreadPoolExecutor(count) if count > 1 else AtOnce()
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
