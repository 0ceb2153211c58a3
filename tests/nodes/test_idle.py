"""Alarms: in their order, at most a tick late, none that was cancelled, also when that happens at the last moment."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from sbkernel.nodes.idle import Alarm, Deadline, IdleTimer, call_later


async def test_alarms_ring_in_their_order_and_not_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, rang = asyncio.get_running_loop(), list[tuple[float, float]]()
    began, done = loop.time(), asyncio.Event()

    def ring(delay_s: float) -> None:
        rang.append((delay_s, loop.time() - began))
        if len(rang) == 200:
            done.set()

    with monkeypatch.context() as still:
        still.setattr(loop, "time", lambda: began)
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


async def test_a_session_that_is_used_again_ends_once_and_counts_from_the_last_time() -> None:
    loop, ended, done = asyncio.get_running_loop(), list[float](), asyncio.Event()

    def end() -> None:
        ended.append(loop.time())
        done.set()

    timer = IdleTimer(end)
    timer.start(3600)
    timer.start(0.02)
    timer.stop()
    began = loop.time()
    timer.start(0.2)
    await asyncio.wait_for(done.wait(), 60)
    assert len(ended) == 1
    assert ended[0] >= began + 0.2


async def test_a_deadline_ends_what_its_task_does_and_says_that_it_was_the_deadline() -> None:
    deadline = Deadline(0.01)
    with pytest.raises(asyncio.CancelledError) as caught:
        await asyncio.sleep(3600)
    assert deadline.end(caught.value)
    await asyncio.sleep(0)


async def test_no_time_passes_while_a_deadline_stands_still() -> None:
    deadline, done = Deadline(0.01), asyncio.Event()
    deadline.stand_still()
    deadline.stand_still()
    call_later(0.1, done.set)
    await done.wait()
    deadline.go_on()
    with pytest.raises(asyncio.CancelledError) as caught:
        await asyncio.sleep(3600)
    assert deadline.end(caught.value)


async def test_whoever_cancels_a_task_is_not_taken_for_its_deadline() -> None:
    said = list[bool]()

    async def work() -> None:
        deadline = Deadline(0.01)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as error:
            said.append(deadline.end(error))
            raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert said == [False]


def test_every_event_loop_has_alarms_of_its_own() -> None:
    async def wait() -> None:
        done = asyncio.Event()
        call_later(0.01, done.set)
        await asyncio.wait_for(done.wait(), 60)

    asyncio.run(wait())
    asyncio.run(wait())
