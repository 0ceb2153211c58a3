"""Alarms: in their order, at most a tick late, none that was cancelled, also when that happens at the last moment."""

from __future__ import annotations

import asyncio
import itertools

from sbkernel.nodes.idle import Alarm, IdleTimer, call_later


async def test_alarms_ring_in_their_order_and_not_too_early() -> None:
    loop, rang = asyncio.get_running_loop(), list[tuple[float, float]]()
    began, done = loop.time(), asyncio.Event()

    def ring(delay_s: float) -> None:
        rang.append((delay_s, loop.time() - began))
        if len(rang) == 200:
            done.set()

    for number in range(200):
        delay_s = (number * 37 % 200) / 1000
        call_later(delay_s, lambda delay_s=delay_s: ring(delay_s))  # type: ignore[misc]
    await asyncio.wait_for(done.wait(), 60)
    assert all(now >= delay_s - 0.001 for delay_s, now in rang)
    delays = [delay_s for delay_s, _ in rang]
    latest = itertools.accumulate(delays, max)
    assert all(delay_s >= before - 0.0201 for before, delay_s in zip(latest, delays, strict=True))


async def test_one_that_is_cancelled_by_another_of_the_same_moment_is_silent() -> None:
    rang, done = list[str](), asyncio.Event()
    alarms: list[Alarm] = []

    def first() -> None:
        rang.append("first")
        alarms[0].cancel()

    call_later(0.03, first)
    alarms.append(call_later(0.03, lambda: rang.append("second")))
    call_later(0.2, done.set)
    await asyncio.wait_for(done.wait(), 60)
    assert rang == ["first"]


async def test_a_session_in_use_is_not_ended() -> None:
    ended, done = list[str](), asyncio.Event()
    used, unused = IdleTimer(lambda: ended.append("used")), IdleTimer(lambda: ended.append("unused"))
    used.start(0.05)
    unused.start(0.05)
    used.stop()
    call_later(0.3, done.set)
    await asyncio.wait_for(done.wait(), 60)
    assert ended == ["unused"]


def test_every_event_loop_has_alarms_of_its_own() -> None:
    async def wait() -> None:
        done = asyncio.Event()
        call_later(0.01, done.set)
        await asyncio.wait_for(done.wait(), 60)

    asyncio.run(wait())
    asyncio.run(wait())
