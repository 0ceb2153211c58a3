"""The stream connections of a server, each one a task that can be ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

_log = logging.getLogger(__name__)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Connections:
    """Serve connections with a coroutine; a peer that goes away ends its own connection and nothing else.

    With `per_address`, one address of the network has so many at most, and all together `most`; more are closed.
    """

    def __init__(self, serve: Serve, per_address: int = 0, most: int = 0) -> None:
        self.refused = 0
        self._serve = serve
        self._per_address, self._most = per_address, most
        self._tasks: set[asyncio.Task[None]] = set()
        self._of_address: Counter[str] = Counter()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one more connection (the callback of asyncio.start_server)."""
        address = str((writer.get_extra_info("peername") or ("",))[0])
        many = self._per_address and self._of_address[address] >= self._per_address and not is_here(address)
        if many or (self._most and len(self._tasks) >= self._most):
            self.refused += 1
            writer.transport.abort()
            return
        task = asyncio.create_task(self._one(reader, writer))
        self._tasks.add(task)
        self._of_address[address] += 1
        task.add_done_callback(lambda _: self._ended(task, address))

    def _ended(self, task: asyncio.Task[None], address: str) -> None:
        self._tasks.discard(task)
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]

    async def end(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._serve(reader, writer)
        except Exception:
            _log.exception("a connection ended")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def is_here(address: str) -> bool:
    """Tell whether an address is of this host alone: its virtual nodes and its own programs have it."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
