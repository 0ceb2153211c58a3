"""A session with a BMC ends when nobody has used it for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class IdleTimer:
    """Call `end` once a session has been idle for long enough."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._handle: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Wait no more: the session is used."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def start(self, idle_s: float) -> None:
        """Wait from now on, for so many seconds."""
        self.stop()
        self._handle = asyncio.get_running_loop().call_later(idle_s, self._end)
