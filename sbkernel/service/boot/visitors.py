"""Who is connected to the boot web server: how many from one address, and whether they go on.

A node that is slow is served; one that has stopped reading, or never says what it wants, gives its place back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from socket import IPPROTO_TCP, TCP_INFO
from typing import Any, cast

from sbkernel.service.connections import is_here

_log = logging.getLogger(__name__)
# tcp_info of tcp(7): 8 bytes, 24 numbers of 4 bytes, two of 8 bytes, then how many bytes the peer has acknowledged.
_ACKNOWLEDGED = struct.Struct("120xQ")
_FEWEST = 64


@dataclass(frozen=True)
class Patience:
    """What the web server puts up with.

    A request must be complete `request_s` seconds after its connection was made, or after the answer before it. Who is
    sent something must take `least_bytes` in every `stall_s` seconds. At most `per_address` connections come from one
    address of the network; from this host, which stands for its virtual nodes, any number. `most` come from all, 0 for
    a third of the files that the process may open.
    """

    request_s: float = 30.0
    stall_s: float = 30.0
    least_bytes: int = 32 * 1024
    per_address: int = 256
    most: int = 0


@dataclass
class _Visitor:
    """One connection: what sends to it now, and how much its peer had at the time of the last look."""

    address: str
    task: asyncio.Task[Any] | None = None
    had: int = 0
    looked: float | None = None


class Visitors:
    """The connections of the web server. `counts` says how many were turned away or given up, by reason."""

    def __init__(self, patience: Patience) -> None:
        self.counts: Counter[str] = Counter()
        self._patience = patience
        self._most = patience.most or max(_FEWEST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 3)
        self._here: dict[asyncio.Transport, _Visitor] = {}
        self._by_address: dict[str, dict[asyncio.Transport, None]] = {}

    def door(self, handler: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """Return the protocol factory of a server: who is admitted is handed to a protocol of `handler`."""
        return lambda: _Door(self, handler)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Take in a connection, if need be in the place of one that asks for nothing; return whether there was one."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        same = self._by_address.get(address, {})
        if not is_here(address) and not self._has_place(same, self._patience.per_address):
            return False
        if not self._has_place(self._here, self._most):
            return False
        self._here[transport] = _Visitor(address)
        self._by_address.setdefault(address, {})[transport] = None
        return True

    @contextlib.contextmanager
    def serving(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """Note that this task sends something, by which it is known to be none that asks for nothing."""
        visitor = self._here.get(transport) if isinstance(transport, asyncio.Transport) else None
        if visitor is None:
            yield
            return
        visitor.task, visitor.looked = asyncio.current_task(), None
        try:
            yield
        finally:
            visitor.task, visitor.looked = None, None

    async def watch(self) -> None:
        """Give up who does not take what is sent, forever."""
        while True:
            await asyncio.sleep(self._patience.stall_s / 4)
            now = asyncio.get_running_loop().time()
            for transport, visitor in list(self._here.items()):
                self._look(transport, visitor, now)

    def _look(self, transport: asyncio.Transport, visitor: _Visitor, now: float) -> None:
        if _is_gone(transport):
            self._forget(transport)
        elif visitor.task is None and not transport.get_write_buffer_size():
            visitor.looked = None
        elif visitor.looked is None:
            visitor.had, visitor.looked = _acknowledged(transport), now
        elif now - visitor.looked >= self._patience.stall_s:
            had, visitor.had, visitor.looked = visitor.had, _acknowledged(transport), now
            if visitor.had - had < self._patience.least_bytes:
                self._give_up(transport, visitor)

    def _give_up(self, transport: asyncio.Transport, visitor: _Visitor) -> None:
        """End a connection: its task would wait forever for a socket that is closed below it."""
        _log.info("%s takes too little of what it is sent: closed", visitor.address)
        self.counts["took too little"] += 1
        if visitor.task:
            visitor.task.cancel()
        transport.abort()
        self._forget(transport)

    def _has_place(self, among: dict[asyncio.Transport, Any], most: int) -> bool:
        """Return whether there are fewer than `most`; if need be, who has asked for nothing for longest makes room."""
        if len(among) < most:
            return True
        for transport in list(filter(_is_gone, among)):
            self._forget(transport)
        if len(among) < most:
            return True
        idle = next((one for one in among if self._is_idle(one)), None)
        self.counts["made room" if idle else "found no room"] += 1
        if idle is None:
            return False
        idle.abort()
        self._forget(idle)
        return True

    def _is_idle(self, transport: asyncio.Transport) -> bool:
        return self._here[transport].task is None and not transport.get_write_buffer_size()

    def _forget(self, transport: asyncio.Transport) -> None:
        address = self._here.pop(transport).address
        same = self._by_address[address]
        del same[transport]
        if not same:
            del self._by_address[address]


class _Door(asyncio.Protocol):
    """The protocol of a connection until it is known whether there is a place for it."""

    def __init__(self, visitors: Visitors, handler: Callable[[], asyncio.Protocol]) -> None:
        self._visitors = visitors
        self._handler = handler

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or close it."""
        connection = cast(asyncio.Transport, transport)
        if not self._visitors.admit(connection):
            connection.abort()
            return
        handler = self._handler()
        connection.set_protocol(handler)
        handler.connection_made(connection)


def _is_gone(transport: asyncio.Transport) -> bool:
    return bool(transport.get_extra_info("socket").fileno() == -1)


def _acknowledged(transport: asyncio.Transport) -> int:
    """Return how many bytes the other side has taken: its kernel acknowledges what it has room for."""
    try:
        info = transport.get_extra_info("socket").getsockopt(IPPROTO_TCP, TCP_INFO, _ACKNOWLEDGED.size)
        return int(_ACKNOWLEDGED.unpack(info)[0])
    except (OSError, struct.error):
        return 0
