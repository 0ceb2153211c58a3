"""Whose turn it is with a BMC: a lock that is handed on in the order of asking, and that can be had without waiting."""

from __future__ import annotations

import asyncio
from collections import deque


class Turn:
    """One turn at a time. asyncio.Lock can only be taken by who may wait for it, which takes a task."""

    __slots__ = ("_is_taken", "_waiting")

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take the turn if nobody has it; say whether that is so."""
        if self._is_taken:
            return False
        self._is_taken = True
        return True

    async def wait(self) -> None:
        """Return when the turn is ours."""
        if self.take():
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():
                # It was ours already.
                self.give()
            raise

    def give(self) -> None:
        """Give the turn to who has waited longest, or back."""
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._is_taken = False
