"""Asking many BMCs at once on sessions that are open: without tasks, with the answers and the patience of others."""

from __future__ import annotations

import asyncio
import time

import pytest
from bmc_rig import MakeRig, Rig

from sbkernel.errors import SbkernelError
from sbkernel.nodes.failures import NoAnswerError
from sbkernel.nodes.fanout import LOT, Heard, fan_out
from sbkernel.nodes.ipmi import bmc as client
from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.turn import Turn
from sbkernel.nodes.power import PowerChange

STATUS = (chassis.NETFN_CHASSIS, chassis.GET_STATUS)


async def on_or_off(power: IpmiPower) -> str:
    return "on" if await power.status() else "off"


def ask(power: IpmiPower, heard: Heard) -> bool:
    return power.status_now(lambda on: heard(None if on is None else "ON" if on else "OFF"))


async def swept(*powers: IpmiPower) -> list[str]:
    named = {str(number): power for number, power in enumerate(powers)}
    return sorted([result.text async for result in fan_out(named, on_or_off, ask=ask)])


def at_once(power: IpmiPower) -> asyncio.Future[bool | None]:
    answer = asyncio.get_running_loop().create_future()
    assert power.status_now(answer.set_result)
    return answer


async def test_who_has_no_session_is_waited_for_and_all_others_are_asked_at_once(make_rig: MakeRig, pool: Pool) -> None:
    powers = [IpmiPower(pool.get((await make_rig()).login(node=f"n{number}"))) for number in range(4)]
    assert await swept(*powers[:2]) == ["off", "off"]
    assert await swept(*powers) == ["OFF", "OFF", "off", "off"]
    assert await swept(*powers) == ["OFF"] * 4


async def test_commands_after_it_wait_for_its_turn(rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(rig.login()))
    assert not power.status_now(lambda _on: None)
    await power.status()
    answer = at_once(power)
    assert not power.status_now(lambda _on: None)
    await power.change(PowerChange.ON)
    assert answer.done() and answer.result() is False
    assert await at_once(power) is True


async def test_it_is_repeated_while_the_bmc_is_silent(rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(rig.login()))
    await power.status()
    rig.bmc.faults.unanswered = frozenset({STATUS})
    before = rig.bmc.state.arrived[STATUS]
    asked = asyncio.create_task(swept(power))
    while rig.bmc.state.arrived[STATUS] < before + 2:
        await asyncio.sleep(0.01)
    rig.bmc.faults.unanswered = frozenset()
    assert await asked == ["OFF"]


async def test_a_session_that_the_bmc_forgot_is_opened_again(
    rig: Rig, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STALE_S", 0.3)
    power = IpmiPower(pool.get(rig.login()))
    await power.status()
    rig.bmc.forget()
    assert await swept(power) == ["off"]
    assert await swept(power) == ["OFF"]


async def test_all_of_it_takes_no_longer_than_the_deadline(
    rig: Rig, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STALE_S", 1.0)
    bmc = pool.get(rig.login())
    bmc.deadline_s = 1.5
    power = IpmiPower(bmc)
    await power.status()
    rig.bmc.faults.dead = True
    began = time.monotonic()
    assert "no answer" in (await swept(power))[0]
    assert 1.4 < time.monotonic() - began < 2.4
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        await power.status()
    assert time.monotonic() - began > 1.4


async def test_what_the_bmc_refuses_is_asked_in_the_way_that_says_why(rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(rig.login()))
    await power.status()
    rig.bmc.faults.refused = frozenset({STATUS})
    assert "busy" in (await swept(power))[0].lower()


async def test_who_goes_away_leaves_the_session_to_others(rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(rig.login()))
    await power.status()
    rig.bmc.faults.slow_s[STATUS] = 0.2
    results = fan_out({"n1": power}, on_or_off, ask=ask)
    first = asyncio.create_task(anext(results))
    await asyncio.sleep(0.05)
    first.cancel()
    await asyncio.wait({first})
    assert await power.status() is False
    assert len(rig.bmc.sessions) == 1


async def test_lots_leave_room_for_answers_and_errors_are_results() -> None:
    loop, rounds, asked = asyncio.get_running_loop(), 0, list[int]()

    def count() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(count)

    def soon(number: int, heard: Heard) -> bool:
        asked.append(rounds)
        loop.call_soon(heard, None if number % 2 else str(number))
        return True

    async def act(number: int) -> str:
        return f"later {number}"

    loop.call_soon(count)
    targets: dict[str, int | SbkernelError] = {f"n{number}": number for number in range(2 * LOT + 1)}
    targets["bad"] = SbkernelError("bad: no")
    results = {result.node: result.text async for result in fan_out(targets, act, ask=soon, at_once=3)}
    assert results == {f"n{n}": f"later {n}" if n % 2 else str(n) for n in range(2 * LOT + 1)} | {"bad": "no"}
    assert max(asked.count(one) for one in set(asked)) <= LOT


async def test_a_turn_goes_to_who_waited_longest_and_past_who_gave_up() -> None:
    turn, had = Turn(), list[int]()

    async def have(number: int) -> None:
        await turn.wait()
        had.append(number)

    assert turn.take() and not turn.take()
    tasks = [asyncio.create_task(have(number)) for number in range(4)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    turn.give()
    tasks[1].cancel()  # it has the turn, and does not know yet
    await asyncio.wait(tasks[:3])
    assert had == [2] and not turn.take()
    turn.give()
    await tasks[3]
    turn.give()
    assert had == [2, 3] and turn.take()
