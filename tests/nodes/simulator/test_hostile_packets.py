"""Packets that are no IPMI, and handshakes that nobody finishes: a simulated BMC ignores them and serves others."""

from __future__ import annotations

import asyncio
import os
import socket
import struct

from bmc_rig import PASSWORD, USER, MakeRig, Rig
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.simulator import PretendMachine, SimulatedBmc, packets

HEAD = packets.RMCP + bytes((packets.FORMAT_RMCP_PLUS,))
KINDS = st.sampled_from([*range(0x16), 0x40, 0x80, 0xC0, 0xC1, 0xFF])


def framed(kind: int, session: int, sequence: int, payload: bytes, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return HEAD + struct.pack("<BIIH", kind, session, sequence, size) + payload


def open_request(number: int) -> bytes:
    suite = b"".join(struct.pack("<BBHBBH", kind, 0, 8, value, 0, 0) for kind, value in ((0, 3), (1, 4), (2, 1)))
    return framed(packets.OPEN_REQUEST, 0, 0, struct.pack("<BBHI", number & 255, 0, 0, 0x1000 + number) + suite)


def bmc() -> SimulatedBmc:
    return SimulatedBmc(PretendMachine(), {USER: PASSWORD})


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    bmc().receive(data, ("127.0.0.1", 1))


@given(
    KINDS,
    st.sampled_from([0, 0x5B000001, 7]),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=120),
    st.none() | st.integers(0, 65535),
)
def test_frames_with_anything_in_them(
    kind: int, session: int, sequence: int, payload: bytes, length: int | None
) -> None:
    one = bmc()
    one.receive(open_request(1), ("127.0.0.1", 1))
    one.receive(framed(kind, session, sequence, payload, length), ("127.0.0.1", 1))
    assert all(found.keys is None for found in one.sessions.values())


@given(st.binary(max_size=40))
def test_messages_outside_a_session(payload: bytes) -> None:
    bmc().receive(packets.sessionless(payload), ("127.0.0.1", 1))


async def status(rig: Rig) -> bool:
    pool = Pool()
    try:
        async with asyncio.timeout(30):
            return await IpmiPower(pool.get(rig.login())).status()
    finally:
        pool.close()


async def test_half_open_sessions_keep_nobody_out(make_rig: MakeRig) -> None:
    rig = await make_rig(sessions_max=4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        for number in range(200):
            flood.sendto(open_request(number), ("127.0.0.1", rig.port))
            flood.sendto(os.urandom(60), ("127.0.0.1", rig.port))
            flood.sendto(framed(0xC0, 0x5B000001, number, os.urandom(48)), ("127.0.0.1", rig.port))
        assert await status(rig) is False
    assert len(rig.bmc.sessions) <= 4


async def test_sessions_in_use_are_not_ended_for_others(make_rig: MakeRig) -> None:
    rig = await make_rig(sessions_max=1)
    pool = Pool()
    power = IpmiPower(pool.get(rig.login()))
    assert await power.status() is False
    number = next(iter(rig.bmc.sessions))
    rig.bmc.receive(open_request(1), ("127.0.0.1", 1))
    assert list(rig.bmc.sessions) == [number]
    assert await power.status() is False
    pool.close()
