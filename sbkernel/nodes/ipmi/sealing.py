"""Packets inside an open session: encrypted and signed by a cipher and a MAC that are made once for the session.

pyghmi makes both anew for each packet, which was a third of what a command cost on a session that is open. This is that
part of its framing, for cipher suites 3 and 17; what a packet means stays pyghmi's. Source: IPMI specification 2.0
rev. 1.1, tables 13-8 (packet) and 13-20 (AES-CBC), and section 13.28.4.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hmac import HMAC
from pyghmi.ipmi.private import constants

from sbkernel.nodes.ipmi.handshake import Handshake

RMCP = b"\x06\x00\xff\x07"
BLOCK = 16
PROTECTED = 0xC0
"""The bits of a payload type that say: encrypted, and signed."""
_RMCP_PLUS = 6
_HEAD = struct.Struct("<BBIIH")
_BODY = len(RMCP) + _HEAD.size
"""Where the payload begins."""
_TRAILER = b"\xff\xff\x02\x07"
"""Blocks of 16 bytes after a head of 16 always need two bytes of padding; then their number, and `next header`."""
_PADS = [bytes((*range(1, count + 1), count)) for count in range(BLOCK)]
_HASHES: dict[int, type[hashes.HashAlgorithm]] = {12: hashes.SHA1, 16: hashes.SHA256}
"""By how many bytes of the MAC are sent."""


class Opened(NamedTuple):
    """What a packet says that came in a session."""

    kind: int
    session: int
    sequence: int
    payload: bytearray


class Seal:
    """The keys of one session; `code_length` says which cipher suite it is."""

    def __init__(self, integrity: bytes, encryption: bytes, code_length: int) -> None:
        cipher = Cipher(algorithms.AES(encryption), modes.CBC(bytes(BLOCK)))
        self._encrypt = cipher.encryptor().update
        self._decrypt = cipher.decryptor().update
        self._mac = HMAC(integrity, _HASHES[code_length]())
        self._code_length = code_length

    def close(self, kind: int, session: int, sequence: int, payload: bytes | bytearray) -> bytes:
        """Return the datagram that carries a payload.

        A block of chance goes through the cipher before the payload. What comes out is the initialization vector of the
        payload, which nobody can foretell, as CBC wants it (NIST SP 800-38A, appendix C).
        """
        body = self._encrypt(os.urandom(BLOCK) + payload + _PADS[-(len(payload) + 1) % BLOCK])
        frame = _HEAD.pack(_RMCP_PLUS, kind | PROTECTED, session, sequence, len(body)) + body + _TRAILER
        return RMCP + frame + self._code(frame)

    def open(self, datagram: bytes) -> Opened | None:
        """Return what a protected packet says; None if it is none, or not from the other end of this session."""
        end = len(datagram) - self._code_length
        if end < _BODY or not hmac.compare_digest(self._code(datagram[len(RMCP) : end]), datagram[end:]):
            return None
        _format, kind, session, sequence, size = _HEAD.unpack_from(datagram, len(RMCP))
        if size % BLOCK or not 2 * BLOCK <= size <= end - _BODY:
            return None
        # Its initialization vector is to this cipher what came before the payload.
        plain = self._decrypt(datagram[_BODY : _BODY + size])
        return Opened(kind & ~PROTECTED, session, sequence, bytearray(plain[BLOCK : -plain[-1] - 1]))

    def _code(self, frame: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(frame)
        return mac.finalize()[: self._code_length]


class Sealed(Handshake):
    """A session whose packets are sealed by `Seal` once it is open."""

    seal: Seal | None = None
    k1: bytes
    aeskey: bytes
    last_payload_type: int | None
    request_entry: list[tuple[int, int, int]]

    def _initsession(self) -> None:
        self.seal = None
        super()._initsession()

    def opened(self) -> None:
        """Seal what is sent from now on, in a session of IPMI 2.0."""
        if self.confalgo and self.integrityalgo:
            self.seal = Seal(self.k1, self.aeskey, self.currhashlen)

    def send_payload(
        self, payload: bytes | bytearray = b"", payload_type: int | None = None, retry: bool = True, **timing: object
    ) -> None:
        """Send a payload, or the last one again; one that comes while another waits for its answer waits, too."""
        if self.seal is None or (payload and self.lastpayload):
            super().send_payload(payload, payload_type, retry, **timing)
            return
        sent = payload or self.lastpayload or b""
        kind = self.last_payload_type if payload_type is None else payload_type
        if retry:
            self.lastpayload, self.last_payload_type = sent, kind
        self.netpacket = self.seal.close(kind or 0, self.sessionid, self.sequencenumber, sent)
        self._xmit_packet(retry)

    def _make_ipmi_payload(
        self,
        netfn: int,
        command: int,
        bridge_request: Mapping[str, int] | None = None,
        data: bytes | bytearray = b"",
        rslun: int = 0,
    ) -> bytes | bytearray:
        """Return the message of a command, and note which answer is expected (table 13-8, IPMI LAN message)."""
        if bridge_request or self.tabooseq:
            made: bytearray = super()._make_ipmi_payload(netfn, command, bridge_request, data, rslun)
            return made
        self.expectedcmd, self.expectednetfn = command, netfn + 1
        entry = netfn + 1, self.seqlun, command
        if entry not in self.request_entry:
            self.request_entry.append(entry)
        head = bytes((constants.IPMI_BMC_ADDRESS, netfn << 2 | rslun))
        body = bytes((self.rqaddr, self.seqlun << 2 | self.rqlun, command)) + data
        return head + _checksum(head) + body + _checksum(body)

    def unsealed(self, datagram: bytes) -> bool:
        """Take a packet of the open session; say whether it is one, by its head."""
        if self.seal is None or datagram[4] != _RMCP_PLUS or datagram[5] & PROTECTED != PROTECTED:
            return False
        packet = self.seal.open(datagram)
        if packet is None or packet.session != self.localsid or self._is_old(packet.sequence):
            return True
        self.remseqnumber = packet.sequence
        if packet.kind == constants.payload_types["ipmi"]:
            self._parse_ipmi_payload(packet.payload)
        elif packet.kind == constants.payload_types["sol"] and self.sol_handler:
            self.sol_handler(packet.payload)
        return True

    def _is_old(self, sequence: int) -> bool:
        last = self.remseqnumber
        return last is not None and sequence < last != 0xFFFFFFFF


def _checksum(part: bytes) -> bytes:
    return bytes((-sum(part) & 0xFF,))
