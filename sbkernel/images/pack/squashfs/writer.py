"""Write the squashfs of a tree. `python -m sbkernel.images.pack.squashfs.writer` does so inside a user namespace."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sbkernel.errors import SbkernelError
from sbkernel.images import sums
from sbkernel.images.pack import listing
from sbkernel.images.pack.memory import Memory
from sbkernel.images.pack.squashfs import stored
from sbkernel.images.pack.squashfs.compressors import Compressor, compressor
from sbkernel.images.pack.squashfs.data import DataWriter, workers
from sbkernel.images.pack.squashfs.pieces import pieces
from sbkernel.images.pack.squashfs.stored import LastRoot
from sbkernel.images.pack.squashfs.tables import SUPERBLOCK_BYTES, Attributes, Metadata, options_block
from sbkernel.images.pack.squashfs.tree import Tree
from sbkernel.images.pack.squashfs.units import units
from sbkernel.units import size

_PAGE, _MUCH = 4096, 16 << 20
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Order:
    """What is packed, and how: `kept` paths (./usr) of a tree, and whiteouts where paths are `gone`."""

    tree: str
    kept: Sequence[str]
    gone: Sequence[str]
    target: str
    method: str
    level: int | None
    block_bytes: int
    made_s: int
    memory: Memory | None = None

    @property
    def compressor(self) -> Compressor:
        """Return the compressor."""
        return compressor(self.method, self.level, self.block_bytes)

    @property
    def way(self) -> str:
        """Return what has to be the same for blocks that were compressed before to be taken."""
        return " ".join([self.method, str(self.level), str(self.block_bytes), *self.compressor.library])


def write(order: Order, progress: Progress, say: Callable[[str], None]) -> None:
    """Write a squashfs. `progress` gets bytes of files, done and in all; `say` gets lines of detail.

    Raises OSError, BuildError.
    """
    memory = order.memory
    known = sums.read(memory.sums) if memory else {}
    examined = listing.examine(order.tree, order.kept, known)
    whole, how = examined.bytes, order.compressor
    with Path(order.target).open("wb") as out, _last_root(order) as last, workers() as beside:
        compress = how.open()
        # Not beside the data: whoever hands files to the processors would wait for Python's lock meanwhile.
        tree = Tree(examined, order.gone, Attributes(compress), say)
        out.write(bytes(SUPERBLOCK_BYTES) + options_block(how))
        data = DataWriter(order.tree, how, order.block_bytes, last)
        started = _started(out, beside)

        def counted(done: int) -> None:
            progress(done, whole)
            started()

        contents = units(pieces(examined, order.block_bytes), order.block_bytes)
        layout = data.write(contents, out, counted)
        progress(whole, whole)  # also of contents that were there before
        say(f"{size(data.done)} of files, of which {size(data.taken)} were compressed for the last version already")
        closing = tree.closing(layout, Metadata(compress), Metadata(compress))
        superblock, tables = closing.close(how, order.block_bytes, order.made_s, out.tell())
        out.write(tables)
        out.write(bytes(-out.tell() % _PAGE))
        out.seek(0)
        out.write(superblock)
    if memory:
        sums.write(memory.sums, examined.sums, memory.before_ns)
        stored.write(memory.units, order.way, {} if data.changed else layout.places)


def _started(out: BinaryIO, beside: Executor) -> Callable[[], None]:
    """Return what has the disk begin to write a file that grows: whoever publishes it waits 0.2 s less."""
    begun = 0

    def started() -> None:
        nonlocal begun
        count = out.tell() - begun
        if count >= _MUCH:
            # Linux begins to write out what it is told that nobody reads soon.
            beside.submit(os.posix_fadvise, out.fileno(), begun, count, os.POSIX_FADV_DONTNEED)
            begun += count

    return started


@contextmanager
def _last_root(order: Order) -> Iterator[LastRoot]:
    """Open the last root for a block, if it is there and was packed in the same way."""
    with ExitStack() as stack:
        last = order.memory.last if order.memory else None
        file = None
        with suppress(OSError):  # it was removed meanwhile
            file = stack.enter_context(last.open("rb")) if last else None
        places = stored.read(order.memory.units, order.way) if order.memory and file else {}
        yield LastRoot(file.fileno() if file else -1, places)


def main() -> None:
    """Carry out the order on standard input; write counts as progress, and what is to be said, as lines."""
    asked: dict[str, Any] = json.load(sys.stdin)

    def progress(done: int, whole: int) -> None:
        say(f"{done}/{whole}")

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    try:
        write(Order(**asked | {"memory": _memory(asked["memory"])}), progress, say)
    except OSError as error:
        sys.exit(f"{error.filename or asked['target']}: {error.strerror}")
    except SbkernelError as error:
        sys.exit(error.message)


def asked_of(order: Order) -> str:
    """Return an order as main() takes it."""
    return json.dumps(asdict(order), default=str)


def _memory(asked: Mapping[str, Any] | None) -> Memory | None:
    if asked is None:
        return None
    last = asked["last"] and Path(asked["last"])
    return Memory(Path(asked["sums"]), Path(asked["units"]), asked["before_ns"], last)


if __name__ == "__main__":
    main()
