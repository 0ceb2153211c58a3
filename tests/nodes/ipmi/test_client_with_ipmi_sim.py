"""Our console against OpenIPMI's ipmi_sim, a server that shares no code with us; its power is in tests/nodes/power."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ipmi_sim import Sim, running
from waiting import until_async as until

from sbkernel.nodes.failures import UnknownUserError, WrongPasswordError
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.ipmi.solconsole import APPLICATION, INSTANCE_INFO, SolConsole
from sbkernel.nodes.power import PowerChange


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Sim]:
    async with running(tmp_path) as sim:
        yield sim


async def test_wrong_password_and_user(sim: Sim, pool: Pool) -> None:
    with pytest.raises(WrongPasswordError):
        await IpmiPower(pool.get(BmcLogin("n1", "127.0.0.1", sim.port, b"admin", b"wrong"))).status()
    with pytest.raises(UnknownUserError):
        await IpmiPower(pool.get(BmcLogin("n2", "127.0.0.1", sim.port, b"nobody", b"password"))).status()


async def test_console_and_power_share_a_session(sim: Sim, pool: Pool) -> None:
    bmc, seen, events = pool.get(sim.login), bytearray(), list[str]()
    power = IpmiPower(bmc)
    await power.change(PowerChange.ON)
    console = SolConsole(bmc, seen.extend, events.append, liveness_s=0.3)
    await console.open(10)
    await until(lambda: bool(sim.lines))
    sim.lines[-1].write(b"Debian login: " + b"y" * 600)
    await until(lambda: seen.count(b"y") == 600)
    console.write(b"root\r")
    await until(lambda: b"root" in sim.typed)
    assert await power.status() is True
    checks, ask = 0, bmc.ask

    async def counted(netfn: int, number: int, data: bytes, **options: float) -> bytes:
        nonlocal checks
        checks += (netfn, number) == (APPLICATION, INSTANCE_INFO)
        return await ask(netfn, number, data, **options)

    bmc.ask = counted
    await until(lambda: checks == 3)
    assert events == ["console connected"]
    await console.close()
