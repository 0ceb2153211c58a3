"""Run one program for each of many nodes, some at once: lines as they come, and how each ended.

All of it happens in the calling thread: an exception there, such as Ctrl-C, ends every program that runs.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from sbkernel.errors import DefinitionError
from sbkernel.jobs.run import CHUNK_BYTES, DEVNULL, PIPE, end
from sbkernel.jobs.spawn import spawn_here
from sbkernel.nodes.remote.outcomes import Said

FANOUT = 64
"""How many nodes are served at once by default (xCAT: 64)."""
MOST_AT_ONCE = 1024
LINE_BYTES = 16 * 1024
"""A longer line is cut into lines of this length."""
OUTPUT_BYTES = 16 << 20
"""What a node may write when all of it is kept until its end."""
TAIL_LINES = 20
_FILES_EACH, _FILES_SPARED = 5, 64


@dataclass(frozen=True)
class Work:
    """What runs for a node; `stdin` opens the file that it reads as its standard input, when it starts."""

    argv: Sequence[str]
    stdin: Callable[[], IO[bytes]] | None = None


@dataclass(frozen=True)
class Ended:
    """How it ended: the exit status, the end of its standard error, and why it was ended before, "" if it was not."""

    node: str
    status: int
    tail: str
    why: str
    seconds: float


Then = Callable[[Ended], Work | None]
"""What else runs for a node after that, if anything."""


def check_fanout(fanout: int) -> int:
    """Return how many nodes are to be served at once; DefinitionError for what cannot be."""
    if not 1 <= fanout <= MOST_AT_ONCE:
        raise DefinitionError(f"a fan-out of {fanout} is not possible", hint=f"1 to {MOST_AT_ONCE} nodes at once")
    return fanout


def fanned(
    works: Mapping[str, Work], *, fanout: int = FANOUT, silent_s: float | None = None, limit: int | None = None,
    then: Then = lambda _: None,
) -> Iterator[Said | Ended]:  # fmt: skip
    """Run works and yield what they write and how they end; `then` may have more to run for a node before its end.

    One that writes nothing for `silent_s` seconds is ended, as is one that writes more than `limit` bytes.
    """
    crew = _Crew(silent_s, limit)
    waiting = deque(works.items())
    at_once = min(check_fanout(fanout), _most_files())
    try:
        while waiting or crew.running:
            while waiting and len(crew.running) < at_once:
                node, work = waiting.popleft()
                try:
                    crew.start(node, work)
                except OSError as error:
                    yield Ended(node, 1, "", error.strerror or str(error), 0.0)
            for event in crew.next_events() if crew.running else ():
                more = then(event) if isinstance(event, Ended) else None
                if more is None:
                    yield event
                else:
                    waiting.appendleft((event.node, more))
    finally:
        crew.close()


def _most_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, (soft - _FILES_SPARED) // _FILES_EACH)


def holding(*parts: bytes) -> Callable[[], IO[bytes]]:
    """Return what opens a file without a name that holds some bytes, made anew each time."""

    def opened() -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        for part in parts:
            file.write(part)
        file.flush()
        file.seek(0)
        return file

    return opened


class _Child:
    """One program that runs for a node."""

    def __init__(self, node: str, work: Work) -> None:
        self.node = node
        self.began = self.heard = time.monotonic()
        self.bytes = 0
        self.why = ""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._rest = {False: b"", True: b""}
        if work.stdin is None:
            self.process = spawn_here(work.argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
        else:
            with work.stdin() as file:
                self.process = spawn_here(work.argv, stdin=file, stdout=PIPE, stderr=PIPE)
        self.pidfd = os.pidfd_open(self.process.pid)

    def lines(self, data: bytes, error: bool, *, last: bool = False) -> Iterator[Said]:
        """Yield the lines that bytes complete; a carriage return ends none, it is dropped."""
        *whole, rest = (self._rest[error] + data).split(b"\n")
        while len(rest) > LINE_BYTES:
            whole.append(rest[:LINE_BYTES])
            rest = rest[LINE_BYTES:]
        if last and rest:
            whole, rest = [*whole, rest], b""
        self._rest[error] = rest
        for line in whole:
            for start in range(0, len(line) or 1, LINE_BYTES):
                text = plain(line[start : start + LINE_BYTES])
                if error and text.strip():
                    self.tail.append(text)
                yield Said(self.node, text, error)


def plain(line: bytes) -> str:
    """Return a line of a node as text that is safe to print: a node must not control the terminal of its admin."""
    text = line.rstrip(b"\r").decode(errors="replace")
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
    )


class _Crew:
    """The programs that run now."""

    def __init__(self, silent_s: float | None, limit: int | None) -> None:
        self._selector = selectors.DefaultSelector()
        self._silent_s = silent_s
        self._limit = limit
        self.running: dict[str, _Child] = {}

    def start(self, node: str, work: Work) -> None:
        child = _Child(node, work)
        self.running[node] = child
        self._selector.register(child.pidfd, selectors.EVENT_READ, (child, None))
        for error, pipe in ((False, child.process.stdout), (True, child.process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, (child, error))

    def next_events(self) -> Iterator[Said | Ended]:
        """Wait until something happens and yield it. A node's end comes after all that it wrote."""
        ready = self._selector.select(self._patience_s())
        over = [key.data[0] for key, _ in ready if key.data[1] is None]
        for key, _ in ready:
            child, error = key.data
            if error is not None and child not in over:
                yield from self._read(child, error)
                over += [child] if child.why else []
        for child in (*over, *self._overdue(over)):
            yield from self._finish(child)

    def _patience_s(self) -> float | None:
        if self._silent_s is None or not self.running:
            return None
        first = min(child.heard for child in self.running.values())
        return max(0.0, first + self._silent_s - time.monotonic())

    def _overdue(self, over: Sequence[_Child]) -> Iterator[_Child]:
        now = time.monotonic()
        for child in list(self.running.values()):
            if self._silent_s is not None and child not in over and now >= child.heard + self._silent_s:
                child.why = f"it wrote nothing for {self._silent_s:g} s"
                yield child

    def _read(self, child: _Child, error: bool) -> Iterator[Said]:
        pipe = child.process.stderr if error else child.process.stdout
        data = pipe.read(CHUNK_BYTES) if pipe is not None and not child.why else None
        if data:
            child.heard = time.monotonic()
            child.bytes += len(data)
            if self._limit is not None and child.bytes > self._limit:
                child.why = f"it wrote more than {self._limit >> 20} MB"
                return
            yield from child.lines(data, error)
        elif pipe is not None and data == b"":
            self._selector.unregister(pipe)

    def _finish(self, child: _Child) -> Iterator[Said | Ended]:
        """End a program, if it has not ended, and yield the rest of what it wrote, and its end."""
        for error, pipe in ((False, child.process.stdout), (True, child.process.stderr)):
            while pipe is not None and not child.why and (data := pipe.read(CHUNK_BYTES)):
                yield from child.lines(data, error)
            yield from child.lines(b"", error, last=True)
        status = self._forget(child)
        yield Ended(child.node, status, "\n".join(child.tail), child.why, time.monotonic() - child.began)

    def _forget(self, child: _Child) -> int:
        self.running.pop(child.node, None)
        for one in (child.pidfd, child.process.stdout, child.process.stderr):
            with suppress(KeyError, ValueError):
                if one is not None:
                    self._selector.unregister(one)
        os.close(child.pidfd)
        return end(child.process, grace_s=1.0)

    def close(self) -> None:
        """End all that still run: all are told before any is waited for."""
        for child in self.running.values():
            _signal(child)
        for child in list(self.running.values()):
            self._forget(child)
        self._selector.close()


def _signal(child: _Child) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, signal.SIGTERM)
