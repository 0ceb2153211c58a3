"""The way between us and what controls a node, with faults: datagrams of a BMC, or calls over a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sbkernel.nodes.simulator.redfish import tls


@dataclass
class Wire:
    """Counts what we send; loses the next `lose_requests` of it, the next `lose_answers` of what comes back."""

    sent: int = 0
    lose_requests: int = 0
    lose_answers: int = 0
    delay_s: float = 0
    """How much later answers come."""
    cut: bool = False
    """Nothing passes any more."""
    close: Callable[[], object] = field(default=lambda: None)
    """Takes the wire away; what it returns may have to be awaited."""

    def passes_out(self) -> bool:
        """Count a request and tell whether it goes on."""
        self.sent += 1
        lost = self.cut or self.lose_requests > 0
        self.lose_requests -= self.lose_requests > 0
        return not lost

    def passes_in(self) -> bool:
        """Tell whether an answer goes on."""
        lost = self.cut or self.lose_answers > 0
        self.lose_answers -= self.lose_answers > 0
        return not lost


async def udp(port: int) -> tuple[Wire, int]:
    """Return a wire to a UDP port of the loopback, and the port at its near end."""
    wire, loop = Wire(), asyncio.get_running_loop()
    near_end, far_end = _End(), _End()
    near, _ = await loop.create_datagram_endpoint(lambda: near_end, local_addr=("127.0.0.1", 0))
    far, _ = await loop.create_datagram_endpoint(lambda: far_end, remote_addr=("127.0.0.1", port))

    def out(data: bytes, client: Any) -> None:
        near_end.client = client
        if wire.passes_out():
            far.sendto(data)

    def back(data: bytes, _server: Any) -> None:
        if wire.passes_in():
            loop.call_later(wire.delay_s, _send, near, data, near_end.client)

    near_end.take, far_end.take = out, back
    wire.close = lambda: (near.close(), far.close())[0]
    return wire, near.get_extra_info("sockname")[1]


class _End(asyncio.DatagramProtocol):
    client: Any = None
    take: Callable[[bytes, Any], None]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.take(data, addr)


def _send(transport: asyncio.DatagramTransport, data: bytes, address: Any) -> None:
    if not transport.is_closing():
        transport.sendto(data, address)


async def https(port: int) -> tuple[Wire, int]:
    """Return a wire to an HTTPS port of the loopback, and the port at its near end, for whole requests."""
    wire = Wire()
    far = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False))
    kept = ("Authorization", "Content-Type", "If-Match", "X-Auth-Token", "ETag", "Location")

    async def carry(request: web.BaseRequest) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name in kept}
        body = await request.read()
        if not wire.passes_out():
            await asyncio.Event().wait()
        url = f"https://127.0.0.1:{port}{request.path}"
        async with far.request(request.method, url, data=body, headers=headers) as answer:
            content, status, said = await answer.read(), answer.status, dict(answer.headers)
        await asyncio.sleep(wire.delay_s)
        if not wire.passes_in():
            await asyncio.Event().wait()
        return web.Response(status=status, body=content, headers={k: v for k, v in said.items() if k in kept})

    near = web.Server(carry, access_log=None)
    server = await asyncio.get_running_loop().create_server(near, "127.0.0.1", 0, ssl=tls())

    async def close() -> None:
        server.close()
        await near.shutdown(0.1)
        await far.close()

    wire.close = close
    return wire, server.sockets[0].getsockname()[1]


async def unix(near: Path, far: Path) -> Wire:
    """Return a wire to the unix socket `far` with its near end at `near`, for one line each way a connection."""
    wire = Wire()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            request = await reader.readline()
            if not wire.passes_out():
                return
            far_reader, far_writer = await asyncio.open_unix_connection(far)
            with contextlib.closing(far_writer):
                far_writer.write(request)
                answer = await far_reader.readline()
            await asyncio.sleep(wire.delay_s)
            if wire.passes_in():
                writer.write(answer)
                await writer.drain()

    server = await asyncio.start_unix_server(carry, near)
    wire.close = server.close
    return wire
