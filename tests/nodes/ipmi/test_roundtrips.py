"""How long to wait for an answer is learnt from those that came."""

from __future__ import annotations

import asyncio
import socket

from bmc_rig import MakeRig, Rig
from hypothesis import given
from hypothesis import strategies as st
from waiting import until_async as until

from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.roundtrips import RoundTrips
from sbkernel.nodes.ipmi.transport import Transport
from sbkernel.nodes.simulator import Faults

STATUS = (chassis.NETFN_CHASSIS, chassis.GET_STATUS)

times = st.lists(st.floats(0, 100), min_size=1, max_size=50)


def after(*seconds: float) -> float:
    trips = RoundTrips(0.4, 0.2)
    for one in seconds:
        trips.took(one)
    return trips.timeout_s


@given(times)
def test_it_is_never_less_than_it_may_be_nor_much_more_than_the_slowest_took(seconds: list[float]) -> None:
    assert 0.2 <= after(*seconds) <= max(0.2, 5 * max(seconds) + 0.001)


@given(times, st.floats(0.001, 10))
def test_whatever_was_before_answers_that_all_take_as_long_are_waited_for(before: list[float], steady: float) -> None:
    learnt = after(*before, *[steady] * 600)
    assert max(0.2, steady * 0.99) <= learnt <= max(0.2, steady * 1.1) + 0.001


def test_nothing_is_known_at_first_and_one_late_answer_is_soon_forgotten() -> None:
    assert after() == 0.4
    late = after(*[0.01] * 200, 2.0)
    assert 0.4 < late < 1
    assert after(*[0.01] * 200, 2.0, *[0.01] * 50) == 0.2


def test_what_was_asked_well_before_something_that_has_its_answer_is_lost() -> None:
    trips = RoundTrips(0.4, 0.2)
    assert not trips.is_lost(1.0, 9.0)  # nobody has an answer
    trips.took(3.0, 1.09)
    assert not trips.is_lost(1.0, 9.0)  # answers overtake each other
    trips.took(3.0, 1.11)
    trips.took(3.0, 0.5)
    assert trips.is_lost(1.0, 9.0)
    assert not trips.is_lost(1.0, 1.19)  # some BMCs take their time
    assert not trips.is_lost(1.2, 9.0)


async def test_what_is_lost_is_not_waited_for_as_long_as_answers_take(rig: Rig, pool: Pool) -> None:
    bmc = pool.get(rig.login())
    await IpmiPower(bmc).status()
    wire, now = pool._transport, asyncio.get_running_loop().time
    rig.bmc.faults.unheard, arrived = frozenset({STATUS}), rig.bmc.state.arrived
    before, began = arrived[STATUS], now()
    wire.answers._timeout_s = 1.5
    asked = asyncio.create_task(IpmiPower(bmc).status())
    await until(lambda: arrived[STATUS] > before)
    wire.answers._newest = now() + 1  # an answer to what somebody else was asked
    await until(lambda: arrived[STATUS] > before + 1)
    assert now() - began < 1
    rig.bmc.faults.unheard = frozenset()
    assert await asked is False


async def test_what_was_lost_once_is_not_taken_for_a_slow_answer(rig: Rig, pool: Pool) -> None:
    bmc = pool.get(rig.login())
    await IpmiPower(bmc).status()
    session, arrived = bmc._session, rig.bmc.state.arrived
    assert session is not None
    rig.bmc.faults.unheard, before = frozenset({STATUS}), arrived[STATUS]
    pool._transport.answers._timeout_s = 0.5
    asked = asyncio.create_task(IpmiPower(bmc).status())
    await until(lambda: arrived[STATUS] > before)
    rig.bmc.faults.unheard = frozenset()
    assert await asked is False
    assert arrived[STATUS] == before + 2
    assert session.round_trip_s < 0.25


async def test_nothing_is_repeated_while_answers_wait_to_be_read() -> None:
    wire = Transport()
    line = await wire.line("127.0.0.1", 9)
    sock = line._socket
    assert not line.is_behind
    asyncio.get_running_loop().remove_reader(sock.sock)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"an answer", ("127.0.0.1", sock.sock.getsockname()[1]))
    assert line.is_behind
    sock._readable()
    assert not line.is_behind
    wire.close()


async def test_answers_to_commands_and_proofs_are_learnt_apart(make_rig: MakeRig, pool: Pool) -> None:
    wire = pool._transport
    first = wire.answers.timeout_s, wire.proofs.timeout_s
    rig = await make_rig(faults=Faults(delay_s=0.2))
    await IpmiPower(pool.get(rig.login())).status()
    assert wire.answers.timeout_s != first[0]
    assert wire.proofs.timeout_s != first[1]
    assert min(wire.answers.timeout_s, wire.proofs.timeout_s) > 0.3
