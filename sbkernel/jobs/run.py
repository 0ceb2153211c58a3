"""The one door to subprocess: start a program, stream its lines, end all of it when anything goes wrong."""

from __future__ import annotations

import codecs
import io
import os
import selectors
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from sbkernel.errors import CommandError
from sbkernel.jobs.spawn import DEVNULL, PIPE, STDOUT, Process, Words, detach, end, spawn, spawn_async, spawn_here

__all__ = ["DEVNULL", "PIPE", "STDOUT", "Completed", "Process", "detach", "end", "run", "spawn", "spawn_async"]

TAIL_LINES = 20
CHUNK_BYTES = 65536
Sink = Callable[[bytes], None]


@dataclass(frozen=True)
class Completed:
    """A program that has ended: what was asked for, its exit status (negative: signal) and its standard output."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str


def run(
    argv: Words,
    *,
    env: Mapping[str, str | None] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    input: str | bytes | None = None,  # noqa: A002 - the standard library's name
    stdin: int | IO[Any] = DEVNULL,
    on_line: Callable[[str], None] | None = None,
    timeout_s: float | None = None,
    check: bool = True,
    stdout: int | IO[Any] | None = None,
    sink: Sink | None = None,
    isolated: bool = False,
) -> Completed:
    r"""Run a program to its end and return what it wrote to standard output.

    `env` is added to our environment (None removes a variable). `on_line` gets each line of standard output and
    error as it comes, `\r` counting as an end of line. `stdout` sends standard output to a file instead, `sink` takes
    its bytes as they come; `stdin` is read if there is no `input`.
    `isolated` runs it in its own PID and mount namespace, so that whatever it started ends with it.
    The program dies with the calling thread; an exception here (Ctrl-C, a cancelled job, a failing `on_line`)
    ends it, and what it leaves behind in its process group ends when it does.
    Secrets travel by `input` or `env`: argv is public.

    Raises CommandError on a non-zero status unless `check` is false and after `timeout_s` seconds,
    ToolMissingError if the program is not installed.
    """
    words = [os.fspath(word) for word in argv]
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    output = bytearray()
    lines = (_Lines(tail, on_line), _Lines(tail, on_line))
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    process = spawn_here(
        words,
        env=env,
        cwd=cwd,
        stdin=stdin if input is None else PIPE,
        stdout=PIPE if stdout is None else stdout,
        stderr=PIPE,
        isolated=isolated,
    )
    try:
        with _Pump(process, deadline) as pump:
            pump.write(process.stdin, input.encode() if isinstance(input, str) else input)
            pump.read(process.stdout, *((sink,) if sink else (output.extend, lines[0].feed)))
            pump.read(process.stderr, lines[1].feed)
            pump.until_exit()
        for part in lines:
            part.close()
    except TimeoutError:
        raise CommandError(words, end(process), "\n".join(tail), hint=f"ended after {timeout_s:g} s") from None
    finally:
        end(process)
    if check and process.returncode:
        raise CommandError(words, process.returncode, "\n".join(tail))
    return Completed(tuple(words), process.returncode, output.decode(errors="replace"))


class _Lines:
    """Cut chunks of bytes into lines, for the tail and for `on_line`."""

    def __init__(self, tail: deque[str], on_line: Callable[[str], None] | None) -> None:
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._tail = tail
        self._on_line = on_line
        self._rest = ""

    def feed(self, chunk: bytes, final: bool = False) -> None:
        *complete, self._rest = (self._rest + self._decoder.decode(chunk, final)).split("\n")
        for line in complete:
            self._emit(line)

    def close(self) -> None:
        self.feed(b"", final=True)
        if self._rest:
            self._emit(self._rest)

    def _emit(self, line: str) -> None:
        if line.strip():
            self._tail.append(line)
        if self._on_line is not None:
            self._on_line(line)


class _Pump:
    """Move bytes between us and a child until the child has exited.

    The end is the child's exit, not the end of its pipes: a daemon that it left behind may hold those for ever.
    """

    def __init__(self, process: Process, deadline: float | None) -> None:
        self._selector = selectors.DefaultSelector()
        self._pidfd = os.pidfd_open(process.pid)
        self._deadline = deadline
        self._pending = memoryview(b"")
        self._selector.register(self._pidfd, selectors.EVENT_READ)
        self._sources: list[tuple[IO[bytes], tuple[Sink, ...]]] = []

    def __enter__(self) -> _Pump:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._selector.close()
        os.close(self._pidfd)

    def write(self, pipe: IO[bytes] | None, data: bytes | None) -> None:
        if pipe is not None:
            self._pending = memoryview(data or b"")
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_WRITE)

    def read(self, pipe: IO[bytes] | None, *sinks: Sink) -> None:
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ, sinks)
            self._sources.append((pipe, sinks))

    def until_exit(self) -> None:
        while not self._step():
            if self._deadline is not None and time.monotonic() >= self._deadline:
                raise TimeoutError
        for pipe, sinks in self._sources:
            while not pipe.closed and (chunk := pipe.read(CHUNK_BYTES)):
                _give(chunk, sinks)

    def _step(self) -> bool:
        timeout_s = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        exited = False
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj == self._pidfd:
                exited = True
            elif key.data is None:
                self._feed(key.fileobj)  # type: ignore[arg-type]
            else:
                self._drain(key.fileobj, key.data)  # type: ignore[arg-type]
        return exited

    def _feed(self, pipe: IO[bytes]) -> None:
        try:
            self._pending = self._pending[os.write(pipe.fileno(), self._pending[:CHUNK_BYTES]) :]
        except BrokenPipeError:
            self._pending = memoryview(b"")
        if not self._pending:
            self._close(pipe)

    def _drain(self, pipe: IO[bytes], sinks: tuple[Sink, ...]) -> None:
        chunk = os.read(pipe.fileno(), CHUNK_BYTES)
        if chunk:
            _give(chunk, sinks)
        else:
            self._close(pipe)

    def _close(self, pipe: IO[bytes]) -> None:
        self._selector.unregister(pipe)
        pipe.close()


def _give(chunk: bytes, sinks: tuple[Sink, ...]) -> None:
    for sink in sinks:
        sink(chunk)
