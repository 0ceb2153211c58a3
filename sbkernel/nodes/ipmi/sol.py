"""Serial over LAN as a stream: packets in, bytes and packets out; no clock and no network of its own.

One SolStream serves either end. Source: IPMI specification 2.0 rev. 1.1, section 15.9 (packet), 15.11 (retries).
Each end has at most one unacknowledged packet; sequence numbers are 1 to 15, 0 marks a bare acknowledgement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NACK = 0x40
UNAVAILABLE = 0x20
"""The BMC cannot pass characters on now, usually because the node is off."""
DEACTIVATED = 0x10
"""From the BMC: the console was taken away or closed."""
BREAK = 0x10
"""To the BMC: send a break to the node."""


@dataclass
class Received:
    """What one packet brought: data for the reader, packets to send, and flags from the other end."""

    data: bytes = b""
    replies: list[bytes] = field(default_factory=list)
    flags: int = 0


class SolStream:
    """One direction-aware end of an SOL connection.

    `limit` is the number of characters that fit into a packet. Bytes written are kept until acknowledged; more
    than `backlog` waiting bytes drop the oldest, so that a reader that is gone costs bounded memory.
    """

    def __init__(self, limit: int = 200, backlog: int = 65536) -> None:
        self.limit = limit
        self.backlog = backlog
        self._waiting = bytearray()
        self._in_flight: bytes | None = None
        self._sequence = 0
        self._last_heard = 0
        self._last_length = 0
        self._break_wanted = False

    @property
    def unacknowledged(self) -> bytes | None:
        """The packet that the other end has not acknowledged yet; send it again after a while."""
        return self._in_flight

    def write(self, data: bytes) -> list[bytes]:
        """Take bytes for the other end; return the packets to send now."""
        self._waiting += data
        excess = len(self._waiting) - self.backlog
        if excess > 0:
            del self._waiting[:excess]
        return self._next()

    def send_break(self) -> list[bytes]:
        """Ask the BMC to send a break to the node; return the packets to send now."""
        self._break_wanted = True
        return self._next()

    def drop(self) -> list[bytes]:
        """Give up on the packet in flight; return the packets to send instead."""
        self._in_flight = None
        return self._next()

    def receive(self, packet: bytes, *, accept: bool = True) -> Received:
        """Take a packet; with `accept` false its characters are refused with a NACK (node without power)."""
        if len(packet) < 4:
            return Received()
        sequence, acknowledged, count, flags = packet[0] & 15, packet[1] & 15, packet[2], packet[3]
        got = Received(flags=flags)
        if sequence:
            got.data = self._fresh(sequence, bytes(packet[4:])) if accept else b""
            got.replies.append(self._acknowledge(sequence, len(packet) - 4, accept))
        if acknowledged and self._in_flight and acknowledged == self._sequence:
            self._settle(count, flags)
            got.replies += self._next()
        return got

    def _fresh(self, sequence: int, data: bytes) -> bytes:
        """Return what a packet adds; a repeated packet may carry more than the first time."""
        known = self._last_length if sequence == self._last_heard else 0
        self._last_heard, self._last_length = sequence, max(known, len(data))
        return data[known:]

    def _acknowledge(self, sequence: int, length: int, accept: bool) -> bytes:
        return bytes((0, sequence, length, 0)) if accept else bytes((0, sequence, 0, NACK | UNAVAILABLE))

    def _settle(self, count: int, flags: int) -> None:
        """Keep what the other end did not take; what it can pass to nobody is lost, as on a real serial line."""
        sent = self._in_flight or b""
        if flags & NACK and not count and not flags & (UNAVAILABLE | DEACTIVATED):
            return
        self._in_flight = None
        if not flags & (UNAVAILABLE | DEACTIVATED):
            self._waiting[:0] = sent[4 + count :]

    def _next(self) -> list[bytes]:
        if self._in_flight or not (self._waiting or self._break_wanted):
            return []
        chunk = bytes(self._waiting[: self.limit])
        del self._waiting[: self.limit]
        operation, self._break_wanted = BREAK * self._break_wanted, False
        return [self._number(chunk, operation)]

    def _number(self, data: bytes, operation: int) -> bytes:
        self._sequence = self._sequence % 15 + 1
        self._in_flight = bytes((self._sequence, 0, 0, operation)) + data
        return self._in_flight
