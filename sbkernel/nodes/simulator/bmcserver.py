"""Carry the datagrams of simulated BMCs: one UDP socket each, all on one event loop."""

from __future__ import annotations

import asyncio
from typing import cast

from sbkernel.nodes.simulator.bmc import SimulatedBmc
from sbkernel.nodes.simulator.session import Address

_GARBAGE = (
    b"",
    b"\x06\x00\xff\x07",
    b"\x06\x00\xff\x07\x06" + bytes(11),
    *(b"\x06\x00\xff\x07\x06" + bytes((kind,)) + b"\xff" * length for kind in range(0x16) for length in (10, 11, 40)),
    b"\x06\x00\xff\x07\x00" + b"\x00" * 8 + b"\xff" + b"x" * 5,
)
"""Packets that a client must not stumble over, some of them as long as a packet must be."""


class BmcServer(asyncio.DatagramProtocol):
    """A simulated BMC on a UDP port; close() ends it."""

    def __init__(self, bmc: SimulatedBmc) -> None:
        self.bmc = bmc
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> Address:
        """The host and port that the BMC listens on."""
        if self._transport is None:
            raise RuntimeError("the BMC does not listen")
        name = self._transport.get_extra_info("sockname")
        return name[0], name[1]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect the BMC to its socket and to the loop's clock."""
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.bmc.transmit, self.bmc.now, self.bmc.later = self._transmit, self._loop.time, self._loop.call_later
        self.bmc.state.port, self.bmc.state.console.later = self.address[1], self._loop.call_later

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Hand a datagram to the BMC, unless a fault swallows it."""
        if not self.bmc.faults.swallows():
            self.bmc.receive(data, addr)

    def close(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()

    def _transmit(self, data: bytes, address: Address) -> None:
        if self.bmc.faults.swallows():
            return
        if self.bmc.faults.garbage:
            for junk in _GARBAGE:
                self._send(junk, address)
            self._send(data[:-3], address)
        if self.bmc.faults.delay_s:
            self._loop.call_later(self.bmc.faults.delay_s, self._send, data, address)
        else:
            self._send(data, address)

    def _send(self, data: bytes, address: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)


async def serve(bmc: SimulatedBmc, host: str = "127.0.0.1", port: int = 0) -> BmcServer:
    """Let a BMC listen on a UDP port (0: any free one). Raises OSError when the port is taken."""
    loop = asyncio.get_running_loop()
    _transport, server = await loop.create_datagram_endpoint(lambda: BmcServer(bmc), local_addr=(host, port))
    return server
