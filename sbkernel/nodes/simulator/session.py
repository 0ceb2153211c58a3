"""One session on a simulated BMC, from Open Session to Close Session."""

from __future__ import annotations

from dataclasses import dataclass, field

from sbkernel.nodes.simulator import packets
from sbkernel.nodes.simulator.suites import SessionKeys, Suite

USER, OPERATOR, ADMINISTRATOR = 2, 3, 4
REPLAY_WINDOW = 32

Address = tuple[str, int]


@dataclass
class Session:
    """State of one session; `keys` is None until the client has proved that it knows the password."""

    number: int
    console: int
    suite: Suite
    address: Address
    last_heard: float
    limit: int = ADMINISTRATOR
    privilege: int = USER
    role: int = 0
    user: bytes = b""
    console_random: bytes = b""
    bmc_random: bytes = b""
    keys: SessionKeys | None = None
    _sent: int = 0
    _highest: int = 0
    _seen: set[int] = field(default_factory=set)

    def fresh(self, sequence: int) -> bool:
        """Tell whether a sequence number is new, and remember it (sliding window of the specification, 6.12.13)."""
        if sequence in self._seen or sequence <= self._highest - REPLAY_WINDOW:
            return False
        if sequence > self._highest:
            if sequence - self._highest >= REPLAY_WINDOW:
                self._seen.clear()
            for forgotten in range(self._highest - REPLAY_WINDOW + 1, min(self._highest, sequence - REPLAY_WINDOW) + 1):
                self._seen.discard(forgotten)
            self._highest = sequence
        self._seen.add(sequence)
        return True

    def seal(self, kind: int, payload: bytes) -> bytes:
        """Frame a payload for the client."""
        if self.keys is None:
            raise ValueError("the session is not established")
        self._sent += 1
        return packets.sealed(kind, self.console, self._sent, payload, self.keys)
