"""The syslog receiver: what nodes log, over UDP and TCP, appended to log/messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from sbkernel.service.appendlog import AppendLog
from sbkernel.service.boothttp import port_error
from sbkernel.service.connections import Connections
from sbkernel.service.syslogline import message_line
from sbkernel.site import Site

MESSAGE_LIMIT = 64 * 1024
_IDLE_S = 3600.0


class SyslogReceiver:
    """Receive RFC 3164 and RFC 5424 messages on the syslog port of the site."""

    def __init__(self, site: Site, addresses: Sequence[str]) -> None:
        self.port = site.syslog_port
        self._addresses = addresses
        self._file = AppendLog(site.log / "messages")
        self._transports: list[asyncio.DatagramTransport] = []
        self._servers: list[asyncio.Server] = []
        self._connections = Connections(self._serve)

    async def start(self) -> None:
        """Listen on every address; raise ServiceError when the port is taken."""
        loop = asyncio.get_running_loop()
        for address in self._addresses:
            where = (address, self.port)
            try:
                transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._write), local_addr=where)
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

    def _write(self, data: bytes, peer: str) -> None:
        if data.strip(b"\r\n\0 "):
            self._file.write(message_line(data, peer, datetime.now().astimezone()).encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        async for frame in frames(reader):
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
