"""A simulated BMC: users, sessions, one serial console. It has no socket and no clock of its own."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from itertools import count

from sbkernel.nodes.simulator import commands, login, packets
from sbkernel.nodes.simulator.faults import Faults
from sbkernel.nodes.simulator.machine import Machine
from sbkernel.nodes.simulator.session import ADMINISTRATOR, Address, Session
from sbkernel.nodes.simulator.state import BmcState
from sbkernel.nodes.simulator.suites import SUITES

SESSION_TIMEOUT_S = 60.0
"""A session without traffic ends after this time (specification, 6.12.15)."""
HANDSHAKE_TIMEOUT_S = 5.0


class SimulatedBmc:
    """One BMC in front of one machine, with the passwords of its users.

    `transmit`, `now`, `later` and `state.console.later` are given by the server that carries its datagrams.
    """

    def __init__(
        self,
        machine: Machine,
        users: dict[bytes, bytes],
        *,
        name: str = "",
        sessions_max: int = 16,
        limit: int = ADMINISTRATOR,
        session_timeout_s: float = SESSION_TIMEOUT_S,
        kg: bytes = b"",
        faults: Faults | None = None,
    ) -> None:
        self.users = users
        self.sessions_max = sessions_max
        self.limit = limit
        self.session_timeout_s = session_timeout_s
        self.faults = faults or Faults()
        self.state = BmcState(machine, hashlib.sha256(name.encode()).digest()[:16], self.faults, kg)
        self.state.console.send = lambda session, packet: self._send(session, packets.SOL, packet)
        self.transmit: Callable[[bytes, Address], None] = lambda _data, _address: None
        self.later: Callable[[float, Callable[[], None]], object] = lambda _delay_s, _call: None
        self.now: Callable[[], float] = lambda: 0.0
        self._was_asked = False
        """Whether anybody has asked anything outside of a session."""
        self._numbers = count(0x5B000001)
        machine.on_serial = self.state.console.output

    @property
    def sessions(self) -> dict[int, Session]:
        """The sessions that are open or being opened, by number."""
        return self.state.sessions

    def receive(self, datagram: bytes, address: Address) -> None:
        """Take one datagram and answer it."""
        packet = packets.parse(datagram)
        if packet is None:
            return
        if packet.session:
            self._in_session(packet, datagram, address)
        elif packet.format == 0:
            self._outside(packet, address)
        else:
            self._handshake(packet, address)

    def forget(self) -> None:
        """Lose all sessions, as a BMC does when it reboots."""
        for number in list(self.sessions):
            self.state.end(number)

    def _outside(self, packet: packets.Packet, address: Address) -> None:
        request = packets.parse_request(packet.payload)
        if request is not None:
            self._was_asked = True
            code, data = commands.answer_outside(self.state, request.netfn, request.command, request.data)
            self.transmit(packets.sessionless(request.respond(code, data)), address)

    def _handshake(self, packet: packets.Packet, address: Address) -> None:
        if packet.kind == packets.OPEN_REQUEST and len(packet.payload) >= 8:
            if (answer := self._open(packet.payload, address)) is not None:
                self.transmit(packets.plain(packets.OPEN_RESPONSE, answer), address)
        elif packet.kind == packets.RAKP1 and len(packet.payload) >= 28:
            self.transmit(packets.plain(packets.RAKP2, self._prove(packet.payload)), address)
        elif packet.kind == packets.RAKP3 and len(packet.payload) >= 8:
            self.transmit(packets.plain(packets.RAKP4, self._establish(packet.payload)), address)

    def _open(self, request: bytes, address: Address) -> bytes | None:
        self._expire()
        if self.faults.capabilities_first and not self._was_asked:
            return None
        suite, console = login.proposed_suite(request), login.console_of(request)
        if suite is not None and suite.number in self.faults.silent_suites:
            return None
        suite = SUITES.get(self.faults.chosen_suite, suite)
        if suite is None or suite.number in self.faults.refused_suites:
            return login.refuse(request[0], login.NO_SUITE, console)
        if len(self.sessions) >= self.sessions_max and not self._make_room():
            return login.refuse(request[0], login.NO_RESOURCES, console)
        session = Session(next(self._numbers), console, suite, address, self.now(), limit=self.limit)
        self.sessions[session.number] = session
        return login.open_response(request, session)

    def _prove(self, request: bytes) -> bytes:
        session = self._named_in(request)
        if session is None or session.keys is not None:
            return login.refuse(request[0], login.BAD_SESSION, 0)
        answer = login.rakp2(request, session, self.users, self.state.guid, self.faults)
        return self._end_if_refused(session, answer)

    def _establish(self, request: bytes) -> bytes:
        session = self._named_in(request)
        if session is None or session.user not in self.users or session.keys is not None:
            return login.refuse(request[0], login.BAD_SESSION, 0)
        answer = login.rakp4(request, session, self.users[session.user], self.state.guid, self.faults, self.state.kg)
        return self._end_if_refused(session, answer)

    def _end_if_refused(self, session: Session, answer: bytes) -> bytes:
        if answer[1]:
            self.state.end(session.number)
        return answer

    def _named_in(self, request: bytes) -> Session | None:
        return self.sessions.get(struct.unpack_from("<I", request, 4)[0])

    def _in_session(self, packet: packets.Packet, datagram: bytes, address: Address) -> None:
        session = self.sessions.get(packet.session)
        if session is None or session.keys is None or not packet.protected:
            return
        if not packets.authentic(datagram, session.keys) or not session.fresh(packet.sequence):
            return
        session.last_heard, session.address = self.now(), address
        payload = session.keys.decrypt(packet.payload)
        if packet.kind == packets.IPMI:
            self._command(session, payload)
        elif packet.kind == packets.SOL and session is self.state.console.owner:
            self._typed(payload)

    def _command(self, session: Session, message: bytes) -> None:
        request = packets.parse_request(message)
        if request is None:
            return
        kind = request.netfn, request.command
        self.state.arrived[kind] += 1
        if kind in self.faults.unheard:
            return
        if kind in self.faults.refused:
            code, data = commands.BUSY, b""
        else:
            code, data = commands.answer(self.state, session, *kind, request.data)
        answer = request.respond(code, data)
        if kind in self.faults.slow_s:
            self.later(self.faults.slow_s[kind], lambda: self._send(session, packets.IPMI, answer))
        elif kind not in self.faults.unanswered:
            self._send(session, packets.IPMI, answer)
        if self.state.closing is not None:
            self.state.end(self.state.closing)
            self.state.closing = None

    def _typed(self, packet: bytes) -> None:
        machine = self.state.machine
        data = self.state.console.receive(packet, accept=machine.power)
        if data:
            machine.serial_input(data)

    def _send(self, session: Session, kind: int, payload: bytes) -> None:
        self.transmit(session.seal(kind, payload), session.address)

    def _make_room(self) -> bool:
        """End the oldest session that nobody has proved a password for: whoever opens many keeps nobody out."""
        half_open = next((number for number, session in self.sessions.items() if session.keys is None), None)
        if half_open is None:
            return False
        self.state.end(half_open)
        return True

    def _expire(self) -> None:
        """End sessions that went silent; called where a new one asks for a place."""
        now = self.now()
        for session in list(self.sessions.values()):
            patience_s = self.session_timeout_s if session.keys else min(HANDSHAKE_TIMEOUT_S, self.session_timeout_s)
            if now - session.last_heard > patience_s:
                self.state.end(session.number)
