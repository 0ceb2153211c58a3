"""UDP to many BMCs: few non-blocking sockets on one event loop, each shared by hundreds of BMCs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

from sbkernel.nodes.ipmi.roundtrips import RoundTrips

LINES_PER_SOCKET = 512
DATAGRAMS_PER_WAKEUP = 64
RECEIVE_BUFFER = 4 << 20
LOGINS = 512
"""Each login takes as long as the processor needs for all that are under way: of more, some would time out."""
FIRST_RETRY_S, LEAST_RETRY_S = 0.3, 0.1
FIRST_PROOF_S, LEAST_PROOF_S = 0.6, 0.3
"""BMCs compute long on RAKP messages, and giving up on one means to start the login again."""

Receiver = Callable[[bytes], None]
Address = tuple[Any, ...]


class BmcLine:
    """The way to one BMC address over one of the sockets."""

    def __init__(self, sock: SharedSocket, address: Address, answers: RoundTrips, proofs: RoundTrips) -> None:
        self.answers = answers
        self.proofs = proofs
        self._socket = sock
        self._sendto = sock.sock.sendto
        self._address = address

    def attach(self, receive: Receiver) -> None:
        """Have datagrams from the BMC passed to `receive`."""
        self._socket.receivers[self._address] = receive

    def send(self, datagram: bytes) -> None:
        """Send one datagram; one that the host cannot send now is as good as lost on the way."""
        try:  # noqa: SIM105 - contextlib.suppress costs more than the rest
            self._sendto(datagram, self._address)
        except OSError:
            pass

    @property
    def is_behind(self) -> bool:
        """Whether datagrams wait to be read: an answer may be among them."""
        return self._socket.is_behind

    def close(self) -> None:
        """Give the line back."""
        self._socket.receivers.pop(self._address, None)


class SharedSocket:
    """One UDP socket and who listens to which address on it."""

    def __init__(self, family: socket.AddressFamily, loop: asyncio.AbstractEventLoop) -> None:
        self.family = family
        self.receivers: dict[Address, Receiver] = {}
        self.sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.sock.bind(("", 0))
        self._loop = loop
        loop.add_reader(self.sock.fileno(), self._readable)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self.sock.fileno())
        self.sock.close()

    def takes(self, family: socket.AddressFamily, address: Address) -> bool:
        """Tell whether one more line to this address fits on this socket."""
        return self.family == family and len(self.receivers) < LINES_PER_SOCKET and address not in self.receivers

    @property
    def is_behind(self) -> bool:
        """Whether datagrams wait to be read."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except OSError:
            return False
        return True

    def _readable(self) -> None:
        for _ in range(DATAGRAMS_PER_WAKEUP):
            try:
                data, address = self.sock.recvfrom(2048)
            except BlockingIOError:
                return
            except OSError:
                continue
            receive = self.receivers.get(address)
            if receive is not None and len(data) >= 16 and data[0] == 6 and data[3] == 7:
                receive(data)


class Transport:
    """All sockets of one event loop, how many BMCs may be logged in to at once, and what their answers take."""

    def __init__(self) -> None:
        self.logins = asyncio.Semaphore(LOGINS)
        self.answers = RoundTrips(FIRST_RETRY_S, LEAST_RETRY_S)
        self.proofs = RoundTrips(FIRST_PROOF_S, LEAST_PROOF_S)
        self._sockets: list[SharedSocket] = []

    async def line(self, host: str, port: int) -> BmcLine:
        """Return a line to a BMC; names are resolved without blocking the loop. Raises OSError."""
        loop = asyncio.get_running_loop()
        family, address = _numeric(host, port) or await _resolved(host, port, loop)
        line = BmcLine(self._socket_for(family, address, loop), address, self.answers, self.proofs)
        line.attach(lambda _datagram: None)
        return line

    def close(self) -> None:
        """Close all sockets."""
        while self._sockets:
            self._sockets.pop().close()

    def _socket_for(
        self, family: socket.AddressFamily, address: Address, loop: asyncio.AbstractEventLoop
    ) -> SharedSocket:
        for shared in reversed(self._sockets):
            if shared.takes(family, address):
                return shared
        self._sockets.append(SharedSocket(family, loop))
        return self._sockets[-1]


def _numeric(host: str, port: int) -> tuple[socket.AddressFamily, Address] | None:
    """Return where a host is that is given as an address; None for a name. Thousands are given so."""
    with contextlib.suppress(OSError):
        socket.inet_pton(socket.AF_INET, host)
        return socket.AF_INET, (host, port)
    return None


async def _resolved(host: str, port: int, loop: asyncio.AbstractEventLoop) -> tuple[socket.AddressFamily, Address]:
    """Return where a host is. Only a name needs a thread in which to wait for a name server."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    return found[0][0], found[0][4]
