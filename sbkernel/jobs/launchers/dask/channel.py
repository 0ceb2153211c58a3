"""Bytes both ways over a connection of Dask, no more of them under way than the other end can take."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from distributed.comm.core import CommClosedError

if TYPE_CHECKING:
    from distributed.comm.core import Comm

CHUNK_BYTES = 1 << 20
WINDOW = 8
_TAKEN = True


class Channel:
    """The two directions of a connection, each with an end of its own.

    Dask's write() never waits for the other end, and would keep a whole image in memory. So every chunk is
    acknowledged when it has been taken, and only `WINDOW` chunks are sent ahead of that.
    """

    def __init__(self, comm: Comm) -> None:
        self._comm = comm
        self._room = asyncio.Semaphore(WINDOW)
        self._came: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._sorting = asyncio.create_task(self._sort())

    async def send(self, read: Callable[[int], Awaitable[bytes]]) -> None:
        """Send what a function gives until it gives b""; CommClosedError when the connection breaks."""
        while True:
            chunk = await read(CHUNK_BYTES)
            await self._room.acquire()
            await self._comm.write(chunk)
            if not chunk:
                return

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what comes until the other end says that it was all; CommClosedError when the connection breaks."""
        while chunk := await self._came.get():
            yield chunk
            with contextlib.suppress(CommClosedError):  # whether all of it came, its end tells
                await self._comm.write(_TAKEN)
        if chunk is None:
            raise CommClosedError("the connection broke")

    async def until_closed(self) -> None:
        """Wait until the other end closes the connection, which it does when it has all; before that, some is lost."""
        await asyncio.wait({self._sorting})

    def abort(self) -> None:
        """Break the connection."""
        self._comm.abort()
        self._sorting.cancel()

    async def _sort(self) -> None:
        """Read what comes: chunks, and what is said about those that we sent."""
        try:
            with contextlib.suppress(CommClosedError):
                while True:
                    message = await self._comm.read()
                    if message is _TAKEN:
                        self._room.release()
                    else:
                        self._came.put_nowait(message)
        finally:
            self._came.put_nowait(None)
            self._room.release()  # who waits for room finds the connection closed
