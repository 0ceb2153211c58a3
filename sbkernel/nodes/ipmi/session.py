"""One IPMI session: pyghmi's protocol (RAKP, framing, matching of answers) on our own transport and clock.

Of pyghmi 1.6.19 this replaces the I/O thread with its select() (dies above 1024 open files), the registry that
hangs on a second session, the blocking privilege request in the middle of a login, and the retry clock. The
private names it leans on are held by tests/nodes/test_pyghmi_contract.py.
"""

from __future__ import annotations

import asyncio
import logging
import random
import struct
from collections import deque
from collections.abc import Callable, Mapping

from pyghmi.ipmi.private import constants
from pyghmi.ipmi.private.util import get_ipmi_error

from sbkernel.nodes.idle import IdleTimer
from sbkernel.nodes.ipmi.handshake import Response, Terms
from sbkernel.nodes.ipmi.sealing import Sealed
from sbkernel.nodes.ipmi.transport import BmcLine

OPEN_RETRY_S = 0.3
"""Requests to open a session are not repeated sooner, whatever others take: silence may be about the cipher suite."""
RETRY_GROWTH, HANDSHAKE_GROWTH = 1.5, 1.25
RETRY_MAX_S = 5.0
LOOK_S = 0.05
"""No packet is looked at sooner again, to see whether it has waited long enough."""
SILENT_MAX = 2
"""So many requests to open a session may stay unanswered until something else is tried: to ask a BMC that was never
heard what it is capable of, else the other cipher suite, in turn."""
CLOSE_SESSION = 0x3C
SET_PRIVILEGE = 0x3B
HANDSHAKE = ("EXPECTINGRAKP2", "EXPECTINGRAKP4")
NO_SERVER = (None, None, None)
"""Tells pyghmi that the packet did not come through a socket on which pyghmi serves as a BMC."""

_log = logging.getLogger(__name__)
_SHORTEST = 8
"""The bytes of an answer without data."""
_TABOO = 16
_NOTHING = 0x1FF
"""As a network function, or the number of a command: none."""
_MALFORMED = (AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError, struct.error)
"""What pyghmi raises on packets that are no IPMI."""


class Session(Sealed):
    """A session that logs in by itself and calls `on_login` with None, or with pyghmi's text why not.

    With `on_there`, it calls that when the BMC has answered for the first time, and waits for `go_on`.

    It repeats itself until somebody calls `abandon` or `logout`: deadlines are the caller's.
    """

    last_payload_type: int | None
    ipmicallback: Callable[[Response], None]
    hasretried = 0
    pendingpayloads: deque[tuple[bytes, int, bool]]
    request_entry: list[tuple[int, int, int]]
    seqlun: int
    tabooseq: dict[tuple[int, int, int], int]
    sol_handler: Callable[[bytearray], None] | None

    def __new__(cls, *_args: object, **_keywords: object) -> Session:
        """Make a new object always: pyghmi would look for a session to share."""
        self: Session = object.__new__(cls)
        self.forbidsock = []
        return self

    def __init__(
        self,
        line: BmcLine,
        user: bytes,
        password: bytes,
        on_login: Callable[[str | None], None],
        kg: bytes | None = None,
        terms: Terms | None = None,
        on_there: Callable[[], None] | None = None,
    ) -> None:
        self.line = line
        self.terms = terms or Terms()
        self.on_there = on_there
        self.loop = asyncio.get_running_loop()
        self.retry_timer = IdleTimer(self._look)
        self.armed_at = self.patience_s = 0.0
        self.retries = self.restarts = 0
        self.round_trip_s = 0.0
        self.asked_at: float | None = None
        self.ended = self.is_privileged = False
        self.last_payload_type = None
        line.attach(self._received)
        super().__init__("", user, password, onlogon=lambda said: on_login(_reason(said)), kg=kg)

    @classmethod
    def _assignsocket(cls, server: object = None, forbiddensockets: object = ()) -> None:
        """Take no socket: the line has one."""

    def _received(self, datagram: bytes) -> None:
        if self.ended:
            return
        context, asked_at = self.sessioncontext, self.asked_at
        # What the network makes of packets, or an enemy, is as good as lost on the way.
        try:
            if not self.unsealed(datagram):
                self._handle_ipmi_packet(bytearray(datagram), qent=NO_SERVER)
        except _MALFORMED:
            # It may be a fault of what handles good packets, too: then this is all that tells.
            _log.debug("a packet is left out", exc_info=True)
        if context in HANDSHAKE and context != self.sessioncontext and asked_at is not None:
            self.line.proofs.took(self.loop.time() - asked_at, asked_at)

    def _xmit_packet(self, retry: bool = True, **_timing: object) -> None:
        if self.sequencenumber:
            self.sequencenumber += 1
        self.line.send(self.netpacket)
        if retry and (self.retries != 1 or self.sessioncontext in HANDSHAKE):
            # An answer after one repetition may be the slow one to the first; after more, take it for the last's.
            # Messages of the handshake are not repeated.
            self.asked_at = self.loop.time()
        if retry:
            self._arm()

    def _arm(self) -> None:
        self.armed_at = self.loop.time()
        if self.sessioncontext in HANDSHAKE:
            first_s, growth = self.line.proofs.timeout_s, HANDSHAKE_GROWTH**self.restarts
        else:
            least_s = OPEN_RETRY_S if self.sessioncontext == "OPENSESSION" else 0.0
            first_s, growth = max(self.line.answers.timeout_s, least_s), RETRY_GROWTH**self.retries
        delay_s = min(max(first_s, 1.5 * self.round_trip_s) * growth, RETRY_MAX_S)
        self.patience_s = delay_s * random.uniform(0.9, 1.1)  # noqa: S311
        self.retry_timer.start(_next_look_s(self.patience_s))

    def _look(self) -> None:
        """Repeat what has waited long enough, or is lost by what is known of others."""
        if self.ended or not self.lastpayload:
            return
        now = self.loop.time()
        left_s = self.armed_at + self.patience_s - now
        if left_s > 0 and not self._is_lost(now):
            self.retry_timer.start(_next_look_s(left_s))
        elif self.line.is_behind:
            self.retry_timer.start(LOOK_S)
        else:
            self._timedout()

    def _is_lost(self, now: float) -> bool:
        """Tell whether the first try is lost by what is known of others; later ones are those of a BMC that is slow."""
        least_s = OPEN_RETRY_S if self.sessioncontext == "OPENSESSION" else 0.0
        if self.retries or self.restarts > 1 or now - self.armed_at < max(least_s, 1.5 * self.round_trip_s):
            return False
        known = self.line.proofs if self.sessioncontext in HANDSHAKE else self.line.answers
        return known.is_lost(self.armed_at, now)

    def _timedout(self) -> None:
        """Repeat what got no answer; a handshake message must not be repeated, so the handshake starts again."""
        if self.ended or not self.lastpayload:
            return
        self.retries += 1
        if self.sessioncontext == "OPENSESSION" and not self.retries % SILENT_MAX:
            if self.on_there is None:
                self.propose_other_suite()
            else:
                self.ask_capabilities()
        elif self.sessioncontext in HANDSHAKE:
            self.retries, self.restarts = 0, self.restarts + 1
            self.ask_capabilities()
        else:
            self.hasretried = int(self.sessioncontext != "OPENSESSION")
            self.send_payload()

    def _parse_payload(self, payload: bytearray) -> None:
        """Take the answer to the command that waits, and hand it to who has asked."""
        if len(payload) < _SHORTEST:
            return
        self._learn()
        if self.hasretried:
            # The number of a command that was repeated is avoided for a while: its answer may come once more.
            self.hasretried = 0
            self.tabooseq[self.expectednetfn, self.expectedcmd, self.seqlun] = _TABOO
        self.expectednetfn = self.expectedcmd = _NOTHING
        self.seqlun = (self.seqlun + 1) & 0x3F
        self.lastpayload = self.last_payload_type = None
        response: Response = {
            "netfn": payload[1] >> 2,
            "command": payload[5],
            "code": payload[6],
            "data": payload[7:-1],
        }
        if self.pendingpayloads:
            following, kind, retry = self.pendingpayloads.popleft()
            self.send_payload(following, kind, retry)
        self.ipmicallback(response)

    def _heard(self, go_on: Callable[[], None]) -> None:
        self._learn()
        super()._heard(go_on)

    def _learn(self) -> None:
        """Learn from the time that an answer took."""
        if self.asked_at is not None:
            now, usual_s = self.loop.time(), self.line.answers.timeout_s
            # After one repetition it is the answer to that if it comes as soon as those of others, else to the first.
            is_repeated = self.retries == 1 and now - self.armed_at <= usual_s
            self.round_trip_s = now - (self.armed_at if is_repeated else self.asked_at)
            if not self.retries:
                self.line.answers.took(self.round_trip_s, self.asked_at)
        self.asked_at, self.retries = None, 0

    def _req_priv_level(self) -> None:
        """Be logged in. Every session begins as a user, and what users may do needs no request for more (22.18)."""
        self.opened()
        self.logged, self.logging, self.logoutexpiry = 1, False, None
        self.retries = self.restarts = 0
        if self.terms.privilege_first:
            self.ask_privilege(lambda why_not: self.onlogon({"error": why_not} if why_not else {"success": True}))
        else:
            self.onlogon({"success": True})

    def ask_privilege(self, on_answer: Callable[[str | None], None]) -> None:
        """Ask for the privilege of the terms, or what the BMC grants; `on_answer` gets None, or why it is refused."""
        self.ipmicallback = lambda response: self._got_privilege(response, on_answer)
        self.asked_at = None
        self._send_ipmi_net_payload(6, SET_PRIVILEGE, [self.privlevel], retry=True)

    def _got_privilege(self, response: Response, on_answer: Callable[[str | None], None]) -> None:
        if response.get("code") and self.lower_privilege():
            self.soon(lambda: self.ask_privilege(on_answer))
            return
        error = get_ipmi_error(response)
        self.is_privileged = not error
        on_answer(f"{error} while requesting privilege" if error else None)

    def command(
        self,
        netfn: int,
        number: int,
        data: bytes,
        on_response: Callable[[Response], None],
        *,
        repeat: bool,
        lun: int = 0,
        bridge: Mapping[str, int] | None = None,
    ) -> None:
        """Send one command; its answer goes to `on_response`. One command at a time.

        Without `repeat` it leaves in one datagram: BMCs carry out what comes again, even with the same number. How
        long they take over a change says nothing of how soon to repeat a read.
        """
        self.ipmicallback = on_response
        self.asked_at = None
        self._send_ipmi_net_payload(netfn, number, data, retry=repeat, rslun=lun, bridge_request=bridge)

    def give_up(self) -> None:
        """Forget the command that waits; an answer that comes after all matches nothing."""
        self.request_entry.clear()
        self.seqlun = (self.seqlun + 1) & 0x3F
        self.lastpayload = None
        self.ipmicallback = _ignore

    def send_sol(self, packet: bytes) -> None:
        """Send a packet of the serial console, also while a command waits for its answer."""
        waiting, self.lastpayload = self.lastpayload, None
        try:
            self.send_payload(bytearray(packet), payload_type=constants.payload_types["sol"], retry=False)
        finally:
            self.lastpayload = waiting

    def abandon(self) -> None:
        """End the session here without telling the BMC."""
        if self.ended:
            return
        self.ended, self.logged, self.logging, self.broken = True, 0, False, True
        self.lastpayload = None
        self.sol_handler = None
        self.retry_timer.stop()
        self.line.close()

    def logout(self, _sessionok: bool = True) -> dict[str, bool]:
        """Tell the BMC that the session is over, and end it; does not wait for the answer."""
        if self.logged and not self.ended:
            self.lastpayload = None
            self.ipmicallback = _ignore
            number = struct.pack("<I", self.sessionid)
            self._send_ipmi_net_payload(6, CLOSE_SESSION, number, retry=False)
        self.abandon()
        return {"success": True}

    def _mark_broken(self, error: str | None = None) -> None:
        self.errormsg = error
        self.abandon()


def _next_look_s(left_s: float) -> float:
    return min(left_s, max(LOOK_S, left_s / 2))


def _reason(said: Response) -> str | None:
    return str(said["error"] or "no reason given") if "error" in said else None


def _ignore(_response: Response) -> None:
    return None
