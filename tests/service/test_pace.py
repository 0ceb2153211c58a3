"""Token buckets: how many nodes start at once, in a rack and in all, by a clock that the tests turn."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import until_async

from sbkernel.service.power.pace import UNLIMITED, Bucket, Limit, Pace, Pacer, at_rate, in_sets


def middle(low: float, high: float) -> float:
    return (low + high) / 2


def times(limit: Limit, count: int) -> list[float]:
    """Return when each of many that wait takes its token."""
    bucket, now, taken = Bucket(limit, 0.0, middle), 0.0, []
    for _ in range(count):
        now += bucket.wait_s(now)
        bucket.take(now)
        taken.append(round(now, 6))
    return taken


def test_eight_at_once_then_four_a_second() -> None:
    assert times(Limit(8, 1, 0.25), 12) == [0.0] * 8 + [0.25, 0.5, 0.75, 1.0]


def test_sets_with_a_pause_between_as_in_xcat() -> None:
    limit = in_sets(3, 10).site
    assert limit is not None
    assert times(limit, 8) == [0.0] * 3 + [10.0] * 3 + [20.0] * 2
    assert in_sets(3, 0) == UNLIMITED


@given(st.integers(1, 50), st.integers(1, 5), st.floats(0.01, 20), st.integers(1, 300))
def test_the_expected_duration_is_when_the_last_one_starts(size: int, each: int, period_s: float, count: int) -> None:
    limit = Limit(size, min(each, size), period_s)
    assert times(limit, count)[-1] == pytest.approx(limit.seconds(count), abs=1e-3)


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.floats(0, 1))
def test_never_more_than_a_burst_and_the_rate(gaps: list[float], chance: float) -> None:
    bucket, now, taken = Bucket(Limit(4, 1, 1.0), 0.2, lambda low, high: low + chance * (high - low)), 0.0, []
    for gap in gaps:
        now += gap
        if not bucket.wait_s(now):
            bucket.take(now)
            taken.append(now)
    for first, begin in enumerate(taken):
        within = [t for t in taken[first:] if t <= begin + 4]
        assert len(within) <= 4 + 4 / 0.8 + 1


def test_what_is_expected() -> None:
    assert Pace().seconds([""] * 1000) == 24.0
    assert Pace().seconds(["r1"] * 40 + ["r2"] * 10) == 8.0
    assert at_rate(10).seconds(["r1"] * 100) == 9.0
    assert UNLIMITED.seconds([""] * 1000) == 0.0
    assert str(Pace()) == "8 at once, then 4 a second of each rack or PDU; 40 at once, then 40 a second in all"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_racks_do_not_wait_for_each_other_and_who_gives_up_costs_no_turn() -> None:
    clock, started = Clock(), Counter[str]()
    pacer = Pacer(clock, middle)
    pace = Pace(Limit(2, 1, 0.001), Limit(100, 1, 0.001), jitter=0.0)

    async def start(domain: str) -> None:
        await pacer.turn(domain, pace)
        started[domain] += 1

    tasks = [asyncio.create_task(start(domain)) for domain in ["r1"] * 5 + ["r2"] * 3 + [""] * 4]
    await settled()
    assert started == {"r1": 2, "r2": 2, "": 4}
    assert pacer.waiting() == 4
    tasks[2].cancel()
    tasks[3].cancel()
    clock.now = 0.001
    await until_async(lambda: started == {"r1": 3, "r2": 3, "": 4})
    assert pacer.waiting() == 0
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_requests_share_the_tokens_of_the_site() -> None:
    clock, started = Clock(), Counter[str]()
    pacer = Pacer(clock, middle)
    limit = Limit(3, 1, 0.001)

    async def start(name: str, pace: Pace) -> None:
        await pacer.turn("", pace)
        started[name] += 1

    tasks = [asyncio.create_task(start("a", Pace(None, limit, 0.0))) for _ in range(3)]
    tasks += [asyncio.create_task(start("b", Pace(Limit(8, 1, 1.0), limit, 0.0))) for _ in range(3)]
    await settled()
    assert started.total() == 3
    assert started["a"] and started["b"]  # in turn, not one request after the other
    clock.now = 1.0
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
