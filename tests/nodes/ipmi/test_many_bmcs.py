"""Many BMCs at once: silent ones hold up nobody, logins are limited, and packets leave by lots."""

from __future__ import annotations

import asyncio
from collections import Counter

from bmc_rig import MakeRig, Rig
from waiting import until_async as until

from sbkernel.nodes.fanout import LOT, fan_out
from sbkernel.nodes.ipmi import transport
from sbkernel.nodes.ipmi.bmc import Bmc
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.ipmi.transport import Transport

NOBODY = "127.9.{}.{}"
"""Addresses at which nothing listens."""


async def on_or_off(power: IpmiPower) -> str:
    return "on" if await power.status() else "off"


async def test_more_silent_bmcs_than_may_log_in_at_once_hold_up_nobody(make_rig: MakeRig, pool: Pool) -> None:
    rigs = [await make_rig() for _ in range(5)]
    dead = [BmcLogin(f"dead{n}", NOBODY.format(n >> 8, n & 255), user=b"u") for n in range(transport.LOGINS + 100)]
    bmcs = {login.node: pool.get(login) for login in dead}
    bmcs |= {f"n{number}": pool.get(rig.login(node=f"n{number}")) for number, rig in enumerate(rigs)}
    for bmc in bmcs.values():
        bmc.deadline_s = 600
    results = fan_out({node: IpmiPower(bmc) for node, bmc in bmcs.items()}, on_or_off)
    first = [await anext(results) for _ in rigs]
    assert {(result.node, result.text) for result in first} == {(f"n{number}", "off") for number in range(5)}
    await results.aclose()


async def test_no_more_log_in_at_once_than_may_and_waiting_for_a_place_is_not_the_time_of_the_bmc(rig: Rig) -> None:
    wire = Transport()
    wire.logins = asyncio.Semaphore(1)
    await wire.logins.acquire()
    bmc = Bmc(rig.login(), wire, deadline_s=600)
    asked = asyncio.create_task(IpmiPower(bmc).status())
    await until(lambda: wire.logins._waiters)
    assert bmc._deadline.stands_still
    assert [session.user for session in rig.bmc.sessions.values()] == [b""]  # opened, and nobody logs in
    wire.logins.release()
    assert await asked is False
    assert not wire.logins.locked()
    assert len(rig.bmc.sessions) == 1
    wire.close()


async def test_who_gives_up_waiting_for_a_place_leaves_it_to_others(rig: Rig) -> None:
    wire = Transport()
    wire.logins = asyncio.Semaphore(1)
    await wire.logins.acquire()
    asked = asyncio.create_task(IpmiPower(Bmc(rig.login(), wire)).status())
    await until(lambda: wire.logins._waiters)
    asked.cancel()
    await asyncio.wait({asked})
    wire.logins.release()
    assert await IpmiPower(Bmc(rig.login(node="n2"), wire)).status() is False
    assert not wire.logins.locked()
    wire.close()


async def test_a_refused_login_gives_its_place_back(rig: Rig, pool: Pool) -> None:
    pool._transport.logins = asyncio.Semaphore(1)
    targets = {f"n{number}": IpmiPower(pool.get(rig.login(node=f"n{number}", password=b"no"))) for number in range(3)}
    assert ["wrong password" in result.text async for result in fan_out(targets, on_or_off)] == [True] * 3
    assert not pool._transport.logins.locked()


async def test_a_lot_of_nodes_begins_in_each_round_of_the_loop() -> None:
    loop, rounds, begun = asyncio.get_running_loop(), 0, Counter[int]()

    def count() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(count)

    async def act(node: str) -> str:
        begun[rounds] += 1
        await asyncio.sleep(0)
        return node

    loop.call_soon(count)
    names = [f"n{number}" for number in range(5 * LOT + 1)]
    assert sorted([result.node async for result in fan_out(dict(zip(names, names, strict=True)), act)]) == sorted(names)
    assert max(begun.values()) == LOT
