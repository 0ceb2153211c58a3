"""Pipe an archiver into a compressor, or a decompressor into a reader, without a file between them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from sbkernel.errors import CommandError
from sbkernel.images.pack.compressors import ENVIRONMENT
from sbkernel.images.sync.view import View
from sbkernel.jobs.run import PIPE, Process, end
from sbkernel.jobs.spawn import spawn_here

_PIECE = 1 << 20
Counted = Callable[[int], None]


def compress(
    archiver: Sequence[str],
    compressor: Sequence[str],
    target: Path,
    *,
    names: bytes,
    view: View,
    counted: Counted,
    on_line: Callable[[str], None],
) -> None:
    """Run `archiver | compressor >target` in a tree, the archiver with `names` on its standard input.

    `counted` gets the bytes that have passed from the one to the other. The archiver reads files of the tree as their
    owners can. Raises CommandError of the one that failed first.
    """
    with ExitStack() as ends:
        file = ends.enter_context(target.open("wb"))
        packed_from, to_compressor = _pipe(ends)
        compressing = spawn_here(compressor, env=ENVIRONMENT, stdin=packed_from, stdout=file, stderr=PIPE)
        ends.callback(end, compressing)
        packed_from.close()
        from_archiver, archived_to = _pipe(ends)
        passing = ends.enter_context(ThreadPoolExecutor(1)).submit(_pass, from_archiver, to_compressor, counted)
        failed = None
        try:
            view.run(
                archiver,
                env=ENVIRONMENT,
                cwd=view.tree,
                input=names,
                on_line=on_line,
                stdout=archived_to,
            )
        except CommandError as error:
            failed = error
        finally:
            archived_to.close()
        if passing.result() or failed is None:
            _finish(compressing, compressor)
        if failed is not None:
            raise failed


@contextmanager
def decompressed(file: Path, decompressor: Sequence[str], *, whole: bool = True) -> Iterator[IO[bytes]]:
    """Open the stream that a decompressor makes of a file, for a block that reads all of it, unless not the `whole`.

    Raises CommandError.
    """
    with ExitStack() as stack:
        source = stack.enter_context(file.open("rb"))
        process = spawn_here(decompressor, env=ENVIRONMENT, stdin=source, stdout=PIPE, stderr=PIPE)
        stack.callback(end, process)
        assert process.stdout is not None  # noqa: S101 - asked for above
        yield process.stdout
        while whole and process.stdout.read(_PIECE):
            pass
        if whole:
            _finish(process, decompressor)


def _pipe(ends: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """Make a pipe; both ends are closed at last, should nobody have done so."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with suppress(OSError):  # more than an ordinary user may have in all
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIECE)
    return ends.enter_context(os.fdopen(reading, "rb", 0)), ends.enter_context(os.fdopen(writing, "wb", 0))


def _pass(source: IO[bytes], target: IO[bytes], counted: Counted) -> bool:
    """Move all bytes from one pipe to another without copying them; tell whether the reader has gone away."""
    passed = 0
    with source, target:
        try:
            while moved := os.splice(source.fileno(), target.fileno(), _PIECE):
                passed += moved
                counted(passed)
        except BrokenPipeError:
            return True
    return False


def _finish(process: Process, argv: Sequence[str]) -> None:
    """Wait for the end of a process whose input has ended. Raises CommandError if it failed."""
    said = process.stderr.read() if process.stderr else b""
    if process.wait():
        raise CommandError(list(argv), process.returncode, said.decode(errors="replace").strip())
