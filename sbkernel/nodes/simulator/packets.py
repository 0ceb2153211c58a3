"""Frames of RMCP, RMCP+ and IPMI messages; bytes in, values out.

Source: IPMI specification 2.0 rev. 1.1, sections 13.6 (RMCP+), 13.8 (message), tables 13-8 and 13-16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from sbkernel.nodes.simulator.suites import SessionKeys

RMCP = b"\x06\x00\xff\x07"
FORMAT_RMCP_PLUS = 6
ENCRYPTED, AUTHENTICATED = 0x80, 0x40
IPMI, SOL = 0x00, 0x01
OPEN_REQUEST, OPEN_RESPONSE, RAKP1, RAKP2, RAKP3, RAKP4 = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
BMC_ADDRESS = 0x20


@dataclass(frozen=True)
class Packet:
    """One datagram: its payload type, its session (0: none), its sequence number and its payload as sent."""

    format: int
    kind: int
    session: int
    sequence: int
    payload: bytes
    protected: bool = False


def parse(datagram: bytes) -> Packet | None:
    """Read a datagram; None for anything that is no IPMI packet."""
    if len(datagram) < 14 or datagram[0] != 6 or datagram[3] != 7:
        return None
    if datagram[4] == FORMAT_RMCP_PLUS:
        return _parse_plus(datagram)
    if datagram[4] == 0:
        length = datagram[13]
        return Packet(0, IPMI, 0, 0, datagram[14 : 14 + length]) if len(datagram) >= 14 + length else None
    return None


def _parse_plus(datagram: bytes) -> Packet | None:
    if len(datagram) < 16:
        return None
    kind, session, sequence, length = struct.unpack_from("<BIIH", datagram, 5)
    payload = datagram[16 : 16 + length]
    protected = kind & (ENCRYPTED | AUTHENTICATED) == ENCRYPTED | AUTHENTICATED
    return Packet(6, kind & 0x3F, session, sequence, payload, protected) if len(payload) == length else None


def authentic(datagram: bytes, keys: SessionKeys) -> bool:
    """Tell whether the integrity code at the end of a datagram is right."""
    length = keys.suite.code_length
    return keys.code(datagram[4:-length]) == datagram[-length:]


def sessionless(payload: bytes) -> bytes:
    """Frame an IPMI message outside a session, in the IPMI 1.5 format."""
    return RMCP + bytes(9) + bytes((len(payload),)) + payload


def plain(kind: int, payload: bytes) -> bytes:
    """Frame a payload of the session set-up."""
    return RMCP + struct.pack("<BBIIH", FORMAT_RMCP_PLUS, kind, 0, 0, len(payload)) + payload


def sealed(kind: int, session: int, sequence: int, payload: bytes, keys: SessionKeys) -> bytes:
    """Frame, encrypt and sign a payload inside a session."""
    body = keys.encrypt(payload)
    kind |= ENCRYPTED | AUTHENTICATED
    frame = struct.pack("<BBIIH", FORMAT_RMCP_PLUS, kind, session, sequence, len(body)) + body
    pad = -(len(frame) + 2) % 4
    frame += b"\xff" * pad + bytes((pad, 7))
    return RMCP + frame + keys.code(frame)


@dataclass(frozen=True)
class IpmiRequest:
    """One IPMI command as it came."""

    netfn: int
    command: int
    data: bytes
    requester: int = 0x81
    sequence: int = 0
    lun: int = 0

    def respond(self, code: int, data: bytes = b"") -> bytes:
        """Return the message that answers this request."""
        head = bytes((self.requester, (self.netfn | 1) << 2))
        body = bytes((BMC_ADDRESS, self.sequence | self.lun, self.command, code)) + data
        return head + checksum(head) + body + checksum(body)


def parse_request(message: bytes) -> IpmiRequest | None:
    """Read an IPMI request; None when it is too short or a checksum is wrong."""
    if len(message) < 7 or checksum(message[:2]) != message[2:3] or checksum(message[3:-1]) != message[-1:]:
        return None
    netfn, lun = message[1] >> 2, message[1] & 3
    return IpmiRequest(netfn, message[5], message[6:-1], message[3], message[4] & 0xFC, lun)


def checksum(data: bytes) -> bytes:
    """Return the byte that makes the sum zero modulo 256."""
    return bytes((-sum(data) & 0xFF,))
