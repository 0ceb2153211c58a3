"""Loops that must not end: whatever ends one is logged, it starts again after a pause, and `sb service` tells."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from sbkernel.errors import SbkernelError
from sbkernel.service.protocol import Message

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_SETTLED_S = 10.0

Body = Callable[[], Awaitable[object]]


class Supervisor:
    """The loops of the service by name; each runs until it is stopped."""

    def __init__(self) -> None:
        self._loops: dict[str, _Loop] = {}

    def start(self, name: str, body: Body) -> None:
        """Run a loop from now on, unless it runs: `body` is called again whenever it ends or fails."""
        if name not in self._loops:
            self._loops[name] = _Loop(name, body)

    async def stop(self, name: str) -> None:
        """Cancel a loop and wait until it has ended; nothing happens when it does not run."""
        if loop := self._loops.pop(name, None):
            loop.task.cancel()
            await asyncio.wait({loop.task})

    def states(self) -> list[Message]:
        """Return what `sb service` shows: name, whether it runs, restarts, last error and its time."""
        return [
            {
                "name": loop.name,
                "running": loop.running,
                "restarts": loop.restarts,
                "error": loop.error,
                "failed": loop.failed,
            }
            for loop in self._loops.values()
        ]


class _Loop:
    def __init__(self, name: str, body: Body) -> None:
        self.name = name
        self.running = True
        self.restarts = 0
        self.error = ""
        self.failed: float | None = None
        """When it ended last, in seconds since the epoch."""
        self._body = body
        self._pause_s = _FIRST_PAUSE_S
        self.task = asyncio.create_task(self._keep(), name=name)

    async def _keep(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self._body()
                self._ended("it ended")
            except asyncio.CancelledError:
                if self.task.cancelling():
                    raise
                self._ended("it was cancelled")
            except SbkernelError as error:
                self._ended(error.message)
            except Exception as error:
                _log.exception("%s", self.name)
                self._ended(f"{type(error).__name__}: {error}")
            await self._pause(settled=time.monotonic() - began > _SETTLED_S)
            self.running, self.restarts = True, self.restarts + 1

    def _ended(self, why: str) -> None:
        self.running, self.error, self.failed = False, why, time.time()

    async def _pause(self, *, settled: bool) -> None:
        """Wait longer after each failure in a row, but not after one that came late."""
        pause_s = _FIRST_PAUSE_S if settled else self._pause_s
        self._pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        _log.warning("%s: %s; starts again in %.1f s", self.name, self.error, pause_s)
        await asyncio.sleep(pause_s)
