"""Opening an IPMI session with BMCs that differ in what they accept: pyghmi's login, which gives in where it must.

Public reports know BMCs that grant a user no more than the privilege operator and say so at one of five places, that
know one of the two safe cipher suites only (and refuse the other one, ignore it, or get it wrong), or that answer with
another suite than the one proposed. Source: IPMI specification 2.0 rev. 1.1, sections 13.17 to 13.24.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyghmi.ipmi.private import session as pyghmi_session

OPERATOR, ADMINISTRATOR = 3, 4
SHA1_SUITE, SHA256_SUITE = 3, 17
_REFUSES_PRIVILEGE = (0x09, 0x0D)
"""Invalid role; unauthorized name, which some say of a user who is unknown at this privilege only."""
_WRONG_PASSWORD = "Incorrect password provided"  # noqa: S105

Response = dict[str, Any]


@dataclass
class Terms:
    """On what terms a BMC lets a user in: privilege and cipher suite. A login that succeeds leaves them here."""

    privilege: int = ADMINISTRATOR
    suite: int = SHA256_SUITE
    privilege_first: bool = False
    """Whether the BMC answers nothing until the privilege was asked for."""


@dataclass(frozen=True)
class _Suite:
    attempted: int
    """What pyghmi calls it."""
    library: Any
    length: int


_SUITES = {SHA1_SUITE: _Suite(1, hashlib.sha1, 12), SHA256_SUITE: _Suite(256, hashlib.sha256, 16)}
_BY_ALGORITHMS = {(1, 1, 1): SHA1_SUITE, (3, 4, 1): SHA256_SUITE}
"""Suites by their numbers for authentication, integrity and confidentiality."""


class Handshake(pyghmi_session.Session):  # type: ignore[misc]
    """A login on the terms that the BMC accepts; `terms`, `loop` and `ended` must be set before it is made."""

    terms: Terms
    loop: asyncio.AbstractEventLoop
    ended: bool
    sessioncontext: str | None
    rmcptag: int
    lastpayload: bytes | bytearray | None
    privlevel: int
    other_tried = False
    """Whether both suites were proposed."""
    wrong_password = False
    """Whether the BMC's proof was wrong with the first suite already."""
    on_there: Callable[[], None] | None = None
    """Called once, when the BMC has answered; then the login waits for `go_on`. None: it does not wait."""
    waits_to: Callable[[], None] | None = None
    """What goes on with a login that waits."""

    def _initsession(self) -> None:
        """Start a login; a number of its own keeps late answers to the login before it from being believed."""
        super()._initsession()
        self.localsid = random.randrange(1, 1 << 31)  # noqa: S311
        self.privlevel = self.terms.privilege
        self._use(self.terms.suite)

    def login(self) -> None:
        """Log in, and begin with Open Session: what a BMC is capable of matters where it does not answer that."""
        self.logontries = 1
        self._initsession()
        self.ipmiversion = 2.0
        self._open_rmcpplus_request()

    def ask_capabilities(self) -> None:
        """Log in, and begin with asking what the BMC is capable of (22.13): those of IPMI 1.5 answer nothing else."""
        self._initsession()
        self._get_channel_auth_cap()

    def propose_other_suite(self) -> None:
        """Start again with the other cipher suite."""
        self.other_tried = True
        self._use(SHA1_SUITE if self.terms.suite == SHA256_SUITE else SHA256_SUITE)
        self.lastpayload = None
        self._open_rmcpplus_request()

    def lower_privilege(self) -> bool:
        """Ask for no more than the privilege operator from now on; say whether that is less than before."""
        lower = self.terms.privilege == ADMINISTRATOR
        self.privlevel = self.terms.privilege = OPERATOR
        return lower

    def soon(self, send: Callable[[], None]) -> None:
        """Send the next command of a login once pyghmi is done with the last answer: it forgets what it sent before."""
        self.loop.call_soon(lambda: None if self.ended else send())

    def onlogon(self, parameter: Response) -> None:
        """Take the end of a login; a proof that is wrong with SHA256 may be right with SHA1."""
        if parameter.get("error") == _WRONG_PASSWORD and not self.other_tried:
            self.wrong_password = self.other_tried = True
            self.terms.suite = SHA1_SUITE if self.terms.suite == SHA256_SUITE else SHA256_SUITE
            self.login()
            return
        if "error" in parameter and self.wrong_password:
            parameter = {"error": _WRONG_PASSWORD}
        super().onlogon(parameter)

    def go_on(self) -> None:
        """Log in to a BMC that has answered."""
        going_on, self.on_there, self.waits_to = self.waits_to, None, None
        if going_on is not None and not self.ended:
            going_on()

    def _heard(self, go_on: Callable[[], None]) -> None:
        """Go on with the login: the BMC has answered."""
        self.waits_to = go_on
        if self.on_there is None:
            self.go_on()
        else:
            self.lastpayload = None
            self.on_there()

    def _use(self, suite: int) -> None:
        self.terms.suite = suite
        self.attemptedhash = _SUITES[suite].attempted
        self.currhashlib, self.currhashlen = _SUITES[suite].library, _SUITES[suite].length

    def _got_channel_auth_cap(self, response: Response) -> None:
        if response.get("code") and self.lower_privilege():
            self.soon(self._get_channel_auth_cap)
            return
        going_on = super()._got_channel_auth_cap
        self._heard(lambda: going_on(response))

    def _got_rmcp_response(self, data: bytearray) -> None:
        """Take the answer to Open Session, once."""
        if self.sessioncontext != "OPENSESSION" or data[0] != self.rmcptag or self.waits_to is not None:
            return
        if not data[1] and data[4:8] != self.localsid.to_bytes(4, "little"):
            return
        self._heard(lambda: self._opened(data))

    def _opened(self, data: bytearray) -> None:
        """Go on after Open Session: it was refused, or has the suite that the BMC has chosen, whatever was proposed."""
        if data[1] and not self.other_tried:
            self.propose_other_suite()
            return
        if not data[1]:
            suite = _BY_ALGORITHMS.get((data[16], data[24], data[32]))
            if suite is None:
                self.onlogon({"error": "it takes none of the cipher suites 3 and 17"})
                return
            self._use(suite)
        super()._got_rmcp_response(data)

    def _got_rakp2(self, data: bytearray) -> None:
        if not self._gave_in(data, "EXPECTINGRAKP2"):
            super()._got_rakp2(data)

    def _got_rakp4(self, data: bytearray) -> None:
        if not self._gave_in(data, "EXPECTINGRAKP4"):
            super()._got_rakp4(data)

    def _gave_in(self, data: bytearray, context: str) -> bool:
        """Log in again with less privilege if that is what an answer is about; say whether it is."""
        if self.sessioncontext != context or data[0] != self.rmcptag or data[1] not in _REFUSES_PRIVILEGE:
            return False
        if not self.lower_privilege():
            return False
        self.login()
        return True
