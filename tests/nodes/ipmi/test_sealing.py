"""Packets of an open session against the simulator's, which makes every cipher anew: the same bytes, or none."""

from __future__ import annotations

import hmac
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.nodes.ipmi.sealing import BLOCK, PROTECTED, Seal
from sbkernel.nodes.simulator import packets
from sbkernel.nodes.simulator.suites import SUITES, SessionKeys

KIND, SESSION, SEQUENCE = 1, 0x01020304, 0xFFFFFFFE
payloads = st.binary(max_size=70)
suites = pytest.mark.parametrize("suite", SUITES)


def both_ends(suite: int) -> tuple[Seal, SessionKeys]:
    keys = SessionKeys.derive(SUITES[suite], b"session integrity key")
    return Seal(keys.integrity, keys.encryption, keys.suite.code_length), keys


@suites
@given(sent=st.lists(payloads, max_size=4))
def test_the_other_end_reads_what_we_send(suite: int, sent: list[bytes]) -> None:
    seal, keys = both_ends(suite)
    for payload in sent:
        datagram = seal.close(KIND, SESSION, SEQUENCE, bytearray(payload))
        packet = packets.parse(datagram)
        assert packet is not None
        assert packets.authentic(datagram, keys)
        assert (packet.kind, packet.session, packet.sequence, packet.protected) == (KIND, SESSION, SEQUENCE, True)
        assert keys.decrypt(packet.payload) == payload


@suites
@given(sent=st.lists(st.tuples(payloads, st.binary(max_size=80)), max_size=4))
def test_we_read_what_the_other_end_sends_whatever_comes_between(suite: int, sent: list[tuple[bytes, bytes]]) -> None:
    seal, keys = both_ends(suite)
    for payload, junk in sent:
        assert seal.open(packets.RMCP + junk) is None
        assert seal.open(packets.sealed(KIND, SESSION, SEQUENCE, payload, keys)) == (KIND, SESSION, SEQUENCE, payload)


@suites
@given(payload=payloads, data=st.data())
def test_one_bit_and_it_is_nobodys(suite: int, payload: bytes, data: st.DataObject) -> None:
    seal, keys = both_ends(suite)
    datagram = bytearray(packets.sealed(KIND, SESSION, SEQUENCE, payload, keys))
    bit = data.draw(st.integers(4 * 8, len(datagram) * 8 - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    assert seal.open(bytes(datagram)) is None


@suites
@given(body=st.binary(max_size=70), size=st.none() | st.integers(0, 0xFFFF))
def test_what_is_signed_and_makes_no_sense_spoils_nothing(suite: int, body: bytes, size: int | None) -> None:
    seal, keys = both_ends(suite)
    head = struct.pack("<BBIIH", 6, KIND | PROTECTED, SESSION, SEQUENCE, len(body) if size is None else size)
    datagram = packets.RMCP + head + body + keys.code(head + body)
    opened = seal.open(datagram)
    sensible = len(body) >= 2 * BLOCK if size is None else 2 * BLOCK <= size <= len(body)
    assert (opened is not None) is (sensible and (len(body) if size is None else size) % BLOCK == 0)
    assert seal.open(packets.sealed(KIND, SESSION, SEQUENCE, b"next", keys)) == (KIND, SESSION, SEQUENCE, b"next")


def test_initialization_vectors_are_encrypted_chance() -> None:
    seal, keys = both_ends(17)
    sent = [seal.close(KIND, SESSION, SEQUENCE, b"the same") for _ in range(200)]
    assert len({datagram[16:32] for datagram in sent}) == len({datagram[32:48] for datagram in sent}) == 200
    plain = Cipher(algorithms.AES(keys.encryption), modes.CBC(sent[7][16:32])).decryptor().update(sent[7][32:48])
    assert plain[:8] == b"the same"
    assert sent[7][-16:] == hmac.digest(keys.integrity, sent[7][4:-16], "sha256")[:16]
