"""How long to wait for an answer is learnt from those that came."""

from __future__ import annotations

from bmc_rig import MakeRig
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.roundtrips import RoundTrips
from sbkernel.nodes.simulator import Faults

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


async def test_answers_to_commands_and_proofs_are_learnt_apart(make_rig: MakeRig, pool: Pool) -> None:
    wire = pool._transport
    first = wire.answers.timeout_s, wire.proofs.timeout_s
    rig = await make_rig(faults=Faults(delay_s=0.3))
    await IpmiPower(pool.get(rig.login())).status()
    assert wire.answers.timeout_s != first[0]
    assert wire.proofs.timeout_s != first[1]
    assert min(wire.answers.timeout_s, wire.proofs.timeout_s) >= 0.3
