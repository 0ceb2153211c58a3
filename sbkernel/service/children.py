"""Programs that the service keeps running: started again when they end, gone when the service goes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence

from sbkernel.errors import ServiceError
from sbkernel.jobs.run import DEVNULL, PIPE, STDOUT, spawn_async
from sbkernel.service.supervisor import Supervisor

_log = logging.getLogger(__name__)
_GRACE_S = 10.0
_TAIL_LINES = 20


class Child:
    """One program in its own process group; its lines go to a callback, the last ones are kept for errors."""

    def __init__(
        self, loops: Supervisor, name: str, argv: Sequence[str], on_line: Callable[[str], None] | None = None
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.pid: int | None = None
        self._loops = loops
        self._on_line = on_line

    def start(self) -> None:
        """Start the program and keep it running."""
        self._loops.start(self.name, self._run_once)

    async def stop(self) -> None:
        """End the program: SIGTERM to its group, after ten seconds SIGKILL."""
        await self._loops.stop(self.name)

    async def _run_once(self) -> None:
        process = await spawn_async(self.argv, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        self.pid = process.pid
        try:
            if process.stdout is not None:
                await self._read_lines(process.stdout)
            raise ServiceError(f"ended with status {await process.wait()}: {' | '.join(list(self.tail)[-3:])}")
        finally:
            self.pid = None
            await _end(process)

    async def _read_lines(self, stream: asyncio.StreamReader) -> None:
        while chunk := await _line(stream):
            line = chunk.decode(errors="replace").rstrip("\r\n")
            self.tail.append(line)
            self._hand_on(line)

    def _hand_on(self, line: str) -> None:
        """Call back; whatever that does wrong is no reason to end the program."""
        try:
            if self._on_line:
                self._on_line(line)
        except Exception:
            _log.exception("%s wrote a line that could not be dealt with: %s", self.name, line)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return one line, or a piece of one that is too long for the buffer."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.read(max(1, error.consumed))


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process group and wait for its leader, also while being cancelled."""
    if process.returncode is not None:
        return
    _signal(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _GRACE_S)
    except TimeoutError:
        _signal(process.pid, signal.SIGKILL)
        await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
