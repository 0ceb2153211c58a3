"""The syslog receiver: what nodes log, over UDP and TCP, appended to log/messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from sbkernel.service.appendlog import AppendLog
from sbkernel.service.boot.listening import port_error
from sbkernel.service.boot.rates import Rates
from sbkernel.service.connections import Connections
from sbkernel.service.syslogline import message_line
from sbkernel.site import Site

MESSAGE_LIMIT = 64 * 1024
LOG_LIMIT = 256 * 1024 * 1024
_IDLE_S = 3600.0
_PAUSE_S = 0.1
_OF_AN_ADDRESS = (20_000, 1000.0)  # at once, and a second: a node that boots sends some thousands from its memory
_PER_ADDRESS = 32
_CONNECTIONS = 20_000
_REMEMBERED = 4096


class SyslogReceiver:
    """Receive RFC 3164 and RFC 5424 messages on the syslog port of the site.

    Who sends too much waits (TCP), or loses messages (UDP), which the log says. The log has `limit` bytes at most, and
    the one before it as many.
    """

    def __init__(
        self, site: Site, addresses: Sequence[str], *, rates: Rates | None = None, limit: int = LOG_LIMIT
    ) -> None:
        self.port = site.syslog_port
        self._addresses = addresses
        self._file = AppendLog(site.log / "messages", limit)
        self._rates = rates or Rates(*_OF_AN_ADDRESS)
        self._lost: Counter[str] = Counter()
        self._lost_ever = 0
        self._transports: list[asyncio.DatagramTransport] = []
        self._servers: list[asyncio.Server] = []
        self._connections = Connections(self._serve, _PER_ADDRESS, _CONNECTIONS)

    async def start(self) -> None:
        """Listen on every address; raise ServiceError when the port is taken."""
        loop = asyncio.get_running_loop()
        for address in self._addresses:
            where = (address, self.port)
            try:
                transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._datagram), local_addr=where)
                self._transports.append(transport)
                self._servers.append(await asyncio.start_server(self._connections.accept, *where, limit=MESSAGE_LIMIT))
            except OSError as error:
                raise port_error(error, "syslog", *where, "syslogport") from error

    async def stop(self) -> None:
        """Close the port and the file."""
        for transport in self._transports:
            transport.close()
        for server in self._servers:
            server.close()
        await self._connections.end()
        self._file.close()

    def refused(self) -> dict[str, int]:
        """Return how much was lost or refused since the start, by reason."""
        found = {"syslog messages, too many": self._lost_ever, "syslog connections": self._connections.refused}
        return {why: count for why, count in found.items() if count}

    def _datagram(self, data: bytes, peer: str) -> None:
        if not self._rates.take(peer):
            self._lost_ever += 1
            if peer in self._lost or len(self._lost) < _REMEMBERED:
                self._lost[peer] += 1
            return
        if lost := self._lost.pop(peer, 0):
            self._write(b"sbkernel: %d messages were lost: more came than are taken" % lost, peer)
        self._write(data, peer)

    def _write(self, data: bytes, peer: str) -> None:
        if data.strip(b"\r\n\0 "):
            self._file.write(message_line(data, peer, datetime.now().astimezone()).encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        async for frame in frames(reader):
            while not self._rates.take(peer):
                await asyncio.sleep(_PAUSE_S)
            self._write(frame, peer)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, write: Callable[[bytes, str], None]) -> None:
        self._write = write

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._write(data, addr[0])


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the messages of a TCP stream: counted octets or one a line (RFC 6587); a broken stream ends."""
    while frame := await asyncio.wait_for(_frame(reader), _IDLE_S):
        yield frame


async def _frame(reader: asyncio.StreamReader) -> bytes:
    first = await reader.read(1)
    try:
        if first.isdigit():
            return await _counted(reader, first)
        return first if first in b"\n" else first + await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return first + error.partial
    except asyncio.LimitOverrunError:
        return b""


async def _counted(reader: asyncio.StreamReader, first: bytes) -> bytes:
    digits = first
    while (byte := await reader.readexactly(1)).isdigit() and len(digits) < 6:
        digits += byte
    if byte != b" " or int(digits) > MESSAGE_LIMIT:
        return b""
    return await reader.readexactly(int(digits))
