"""The two cipher suites that are safe to use, and the keys of a session.

Suite 3: HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128. Suite 17: HMAC-SHA256, HMAC-SHA256-128, AES-CBC-128.
Source: IPMI specification 2.0 rev. 1.1, sections 13.28, 13.29, 13.31 and 13.32.
"""

from __future__ import annotations

import functools
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16


@dataclass(frozen=True)
class Suite:
    """One cipher suite: its algorithm numbers on the wire, its hash and the length of an integrity code."""

    number: int
    authentication: int
    integrity: int
    hash_name: str
    code_length: int

    def mac(self, key: bytes, *parts: bytes) -> bytes:
        """Return the HMAC over the parts."""
        return hmac.digest(key, b"".join(parts), self.hash_name)


SUITES = {
    3: Suite(3, 1, 1, "sha1", 12),
    17: Suite(17, 3, 4, "sha256", 16),
}
AES_CBC_128 = 1


def find(authentication: int, integrity: int, confidentiality: int) -> Suite | None:
    """Return the suite made of these three algorithms, or None."""
    wanted = (authentication, integrity, confidentiality)
    return next((s for s in SUITES.values() if (s.authentication, s.integrity, AES_CBC_128) == wanted), None)


@dataclass(frozen=True)
class SessionKeys:
    """The keys of an established session. Block ciphers are kept, as to make one costs more than a block; a mode of
    the library, which the client uses, would be made for each packet."""

    suite: Suite
    session: bytes
    integrity: bytes
    encryption: bytes

    @classmethod
    def derive(cls, suite: Suite, session: bytes) -> SessionKeys:
        """Derive K1 and K2 from the session integrity key."""
        return cls(suite, session, suite.mac(session, b"\x01" * 20), suite.mac(session, b"\x02" * 20)[:BLOCK])

    def code(self, data: bytes) -> bytes:
        """Return the integrity code of a packet."""
        return self.suite.mac(self.integrity, data)[: self.suite.code_length]

    @functools.cached_property
    def _block_cipher(self) -> Cipher[modes.ECB]:
        return Cipher(algorithms.AES(self.encryption), modes.ECB())  # noqa: S305 - chained here, as CBC says

    @functools.cached_property
    def _encrypt_block(self) -> Callable[[bytes], bytes]:
        return self._block_cipher.encryptor().update

    @functools.cached_property
    def _decrypt_blocks(self) -> Callable[[bytes], bytes]:
        return self._block_cipher.decryptor().update

    def encrypt(self, payload: bytes) -> bytes:
        """Return the initialization vector and the padded, encrypted payload."""
        blocks = [os.urandom(BLOCK)]
        pad = -(len(payload) + 1) % BLOCK
        padded = payload + bytes(range(1, pad + 1)) + bytes((pad,))
        for begin in range(0, len(padded), BLOCK):
            blocks.append(self._encrypt_block(_xor(padded[begin : begin + BLOCK], blocks[-1])))
        return b"".join(blocks)

    def decrypt(self, payload: bytes) -> bytes:
        """Return the payload; raise ValueError when it cannot be one."""
        if len(payload) < 2 * BLOCK or len(payload) % BLOCK:
            raise ValueError("not an AES-CBC payload")
        padded = _xor(self._decrypt_blocks(payload[BLOCK:]), payload[:-BLOCK])
        return padded[: -padded[-1] - 1]


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))
