"""The handshake that opens a session: Open Session and RAKP messages 1 to 4.

Source: IPMI specification 2.0 rev. 1.1, sections 13.17 to 13.24. Pure but for the random numbers.
"""

from __future__ import annotations

import hmac
import os
import struct

from sbkernel.nodes.simulator import suites
from sbkernel.nodes.simulator.faults import Faults, Refusal
from sbkernel.nodes.simulator.session import ADMINISTRATOR, Session

NO_RESOURCES, BAD_SESSION, BAD_ROLE, BAD_NAME, BAD_CODE, NO_SUITE = 0x01, 0x02, 0x09, 0x0D, 0x0F, 0x11

_REFUSALS: dict[Refusal | None, int] = {"name": BAD_NAME, "role": BAD_ROLE}


def proposed_suite(request: bytes) -> suites.Suite | None:
    """Return the cipher suite that an Open Session request proposes, or None."""
    if len(request) < 32:
        return None
    return suites.find(request[12], request[20], request[28])


def console_of(request: bytes) -> int:
    """Return the client's session number in an Open Session request."""
    number: int = struct.unpack_from("<I", request, 4)[0]
    return number


def refuse(tag: int, status: int, console: int) -> bytes:
    """Return the short form of any response of the handshake: only a status."""
    return struct.pack("<BBHI", tag, status, 0, console)


def open_response(request: bytes, session: Session) -> bytes:
    """Accept an Open Session request."""
    head = struct.pack("<BBBBII", request[0], 0, session.limit, 0, session.console, session.number)
    suite = session.suite
    algorithms = (suite.authentication, suite.integrity, suites.AES_CBC_128)
    return head + b"".join(bytes((kind, 0, 0, 8, number, 0, 0, 0)) for kind, number in enumerate(algorithms))


def rakp2(request: bytes, session: Session, users: dict[bytes, bytes], guid: bytes, faults: Faults) -> bytes:
    """Answer RAKP message 1: who the BMC is, proved with the user's password."""
    tag, length = request[0], request[27] if len(request) > 27 else 0
    session.role, session.user = request[24], request[28 : 28 + length]
    if session.user not in users:
        return refuse(tag, BAD_NAME, session.console)
    if session.role & 15 > session.limit:
        return refuse(tag, BAD_ROLE, session.console)
    if (refusal := faults.operator_at) in _REFUSALS and session.role & 15 == ADMINISTRATOR:
        return refuse(tag, _REFUSALS[refusal], session.console)
    session.console_random, session.bmc_random = request[8:24], os.urandom(16)
    proof = session.suite.mac(
        users[session.user],
        struct.pack("<II", session.console, session.number),
        session.console_random,
        session.bmc_random,
        guid,
        _claim(session),
    )
    if session.suite.number in faults.broken_suites:
        proof = proof[::-1]
    return struct.pack("<BBHI", tag, 0, 0, session.console) + session.bmc_random + guid + proof


def rakp4(request: bytes, session: Session, password: bytes, guid: bytes, faults: Faults, kg: bytes = b"") -> bytes:
    """Answer RAKP message 3: check the client's proof and establish the session; the BMC's K_g is part of its key."""
    tag, suite = request[0], session.suite
    proof = suite.mac(password, session.bmc_random, struct.pack("<I", session.console), _claim(session))
    if not hmac.compare_digest(proof, request[8:]):
        return refuse(tag, BAD_CODE, session.console)
    if faults.operator_at == "rakp4" and session.role & 15 == ADMINISTRATOR:
        return refuse(tag, BAD_ROLE, session.console)
    key = suite.mac(kg or password, session.console_random, session.bmc_random, _claim(session))
    session.keys = suites.SessionKeys.derive(suite, key)
    code = suite.mac(key, session.console_random, struct.pack("<I", session.number), guid)[: suite.code_length]
    return struct.pack("<BBHI", tag, 0, 0, session.console) + code


def _claim(session: Session) -> bytes:
    return bytes((session.role, len(session.user))) + session.user
