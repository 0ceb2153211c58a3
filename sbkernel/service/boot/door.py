"""The port of the boot web server: open from the start; what serves it is read in when somebody comes, or soon after.

To read in aiohttp takes as long as all else that a service does which is started to ask a thousand nodes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sbkernel.service.boot.listening import listen
from sbkernel.service.boot.senders import Senders

if TYPE_CHECKING:
    from sbkernel.service.boot.boothttp import BootHttp

_log = logging.getLogger(__name__)
SOON_S = 3.0
"""So long after the start the server is read in though nobody came: the first node should not have to wait for it."""


class BootDoor:
    """The HTTP port of a site on some addresses; `make` reads in the server and returns it."""

    def __init__(
        self,
        port: int,
        addresses: Sequence[str],
        senders: Senders,
        make: Callable[[], BootHttp],
        *,
        soon_s: float = SOON_S,
    ) -> None:
        self.port = port
        self._addresses = addresses
        self._senders = senders
        self._make = make
        self._soon_s = soon_s
        self._listeners: list[socket.socket] = []
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._server: BootHttp | None = None

    @property
    def is_served(self) -> bool:
        """Whether the server has been read in."""
        return self._server is not None

    async def start(self) -> None:
        """Listen on every address; raise ServiceError when the port is taken."""
        # Whose an address is must be known before the first one says anything.
        await self._senders.start()
        self._listeners = listen(self._addresses, self.port)
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener, self._open_soon)
        self._timer = loop.call_later(self._soon_s, self._open_soon)

    async def stop(self) -> None:
        """Close the port; transfers under way get two seconds to end."""
        self._wait_no_more()
        if self._opening:
            await asyncio.wait({self._opening})
            self._wait_no_more()  # that it failed, it tries again
        if self._server:
            await self._server.stop()
        for listener in self._listeners:
            listener.close()
        await self._senders.stop()

    def refused(self) -> dict[str, int]:
        """Return how much was refused or given up since the start, by reason."""
        return self._server.refused() if self._server else {}

    def _open_soon(self) -> None:
        self._wait_no_more()
        self._opening = asyncio.create_task(self._open(), name="boot web server")

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            for listener in self._listeners:
                asyncio.get_running_loop().remove_reader(listener)

    async def _open(self) -> None:
        try:
            server = await asyncio.to_thread(self._make)
            await server.start(self._listeners)
            self._server = server
        except Exception:
            _log.exception("nothing is served at port %d yet", self.port)
            self._timer = asyncio.get_running_loop().call_later(self._soon_s, self._open_soon)
