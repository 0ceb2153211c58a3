"""Programs that the service keeps running: started again when they end, gone when the service goes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence

from sbkernel.errors import ToolMissingError
from sbkernel.jobs.run import DEVNULL, PIPE, STDOUT, spawn_async

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_SETTLED_S = 10.0
_GRACE_S = 10.0
_TAIL_LINES = 20


class Child:
    """One program in its own process group; its lines go to a callback, the last ones are kept for errors."""

    def __init__(self, name: str, argv: Sequence[str], on_line: Callable[[str], None] | None = None) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.starts = 0
        self.pid: int | None = None
        self._on_line = on_line
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the program and keep it running."""
        if self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.name}")

    async def stop(self) -> None:
        """End the program: SIGTERM to its group, after ten seconds SIGKILL."""
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None

    async def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._run_once()
            except (ToolMissingError, OSError) as error:
                _log.error("%s does not start: %s", self.name, error)
            pause_s = _FIRST_PAUSE_S if time.monotonic() - began > _SETTLED_S else min(pause_s * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _run_once(self) -> None:
        process = await spawn_async(self.argv, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
        self.starts += 1
        self.pid = process.pid
        try:
            if process.stdout is not None:
                await self._read_lines(process.stdout)
            _log.warning(
                "%s ended with status %s: %s", self.name, await process.wait(), " | ".join(list(self.tail)[-3:])
            )
        finally:
            self.pid = None
            await _end(process)

    async def _read_lines(self, stream: asyncio.StreamReader) -> None:
        while chunk := await _line(stream):
            line = chunk.decode(errors="replace").rstrip("\r\n")
            self.tail.append(line)
            if self._on_line:
                self._on_line(line)


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
