"""The serial console of a simulated BMC: at most one session holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sbkernel.nodes.ipmi.sol import DEACTIVATED, NACK, SolStream
from sbkernel.nodes.simulator.session import Session

RETRY_S = 0.25
RETRIES = 8


@dataclass
class SerialConsole:
    """Carries bytes between the machine's serial port and the session that has activated the SOL payload.

    `send` and `later` are given by the server; nothing is kept for a console that nobody has opened.
    """

    send: Callable[[Session, bytes], None] = field(default=lambda _session, _packet: None)
    later: Callable[[float, Callable[[], None]], object] = field(default=lambda _delay_s, _call: None)
    owner: Session | None = None
    _stream: SolStream = field(default_factory=SolStream)

    def open(self, session: Session, characters: int) -> None:
        """Give the console to a session; a packet holds that many characters."""
        self._stream, self.owner = SolStream(characters), session

    def close(self) -> None:
        """Take the console away from its session and tell it."""
        owner, self.owner = self.owner, None
        if owner is not None:
            self.send(owner, bytes((0, 0, 0, NACK | DEACTIVATED)))

    def drop(self, session: Session) -> None:
        """Free the console of a session that has ended."""
        if self.owner is session:
            self.owner = None

    def output(self, data: bytes) -> None:
        """Pass on what the machine wrote."""
        if self.owner is not None:
            self._send(self._stream.write(data))

    def receive(self, packet: bytes, *, accept: bool) -> bytes:
        """Take a packet from the owner; return what was typed (nothing when not accepted)."""
        got = self._stream.receive(packet, accept=accept)
        self._send(got.replies)
        return got.data

    def _send(self, packets: list[bytes]) -> None:
        for packet in packets:
            if self.owner is not None:
                self.send(self.owner, packet)
            if packet is self._stream.unacknowledged:
                self._again_later(packet, RETRIES)

    def _again_later(self, packet: bytes, left: int) -> None:
        self.later(RETRY_S, lambda: self._retry(packet, left))

    def _retry(self, packet: bytes, left: int) -> None:
        """Send an unacknowledged packet again; a client that never answers loses it."""
        if self.owner is None or self._stream.unacknowledged is not packet:
            return
        if not left:
            self._send(self._stream.drop())
            return
        self.send(self.owner, packet)
        self._again_later(packet, left - 1)
