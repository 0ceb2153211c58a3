"""Our IPMI client: sessions, errors in words, bad weather."""

from __future__ import annotations

import asyncio
import time

import pytest
from bmc_rig import PASSWORD, MakeRig, Rig
from waiting import until_async as until

from sbkernel.nodes.failures import (
    ControlError,
    NoAnswerError,
    NoSlotError,
    RefusedError,
    UnknownUserError,
    WrongPasswordError,
)
from sbkernel.nodes.ipmi import bmc as client
from sbkernel.nodes.ipmi.bmc import Bmc
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.transport import Transport
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.simulator import Faults
from sbkernel.nodes.simulator.session import Address


async def test_power_and_boot_device(suite_rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(suite_rig.login()))
    assert await power.status() is False
    await power.change(PowerChange.ON)
    assert await power.status() is True
    override = BootOverride(BootDevice.NETWORK, persistent=True)
    await power.set_boot(override)
    assert await power.boot() == override
    assert len(suite_rig.bmc.sessions) == 1


async def test_everybody_shares_one_session_and_close_ends_it(rig: Rig, pool: Pool) -> None:
    assert pool.get(rig.login()) is pool.get(rig.login())
    for _ in range(3):
        await IpmiPower(pool.get(rig.login())).status()
    assert len(rig.bmc.sessions) == 1
    pool.get(rig.login()).close()
    await until(lambda: not rig.bmc.sessions)
    assert await IpmiPower(pool.get(rig.login())).status() is False


async def test_idle_session_is_closed(rig: Rig) -> None:
    transport = Transport()
    bmc = Bmc(rig.login(), transport, idle_s=0.1)
    await IpmiPower(bmc).status()
    assert rig.bmc.sessions
    await until(lambda: not rig.bmc.sessions)
    assert not bmc.connected
    transport.close()


@pytest.mark.parametrize(
    ("login", "error"),
    [({"password": b"wrong"}, WrongPasswordError), ({"user": b"nobody"}, UnknownUserError)],
    ids=["password", "user"],
)
async def test_refused_login_says_why_and_keeps_the_secret(
    suite_rig: Rig, pool: Pool, login: dict[str, bytes], error: type[ControlError]
) -> None:
    bmc = pool.get(suite_rig.login(**login))
    start = time.monotonic()
    with pytest.raises(error, match="n1: ") as caught:
        await IpmiPower(bmc).status()
    assert time.monotonic() - start < 5
    words = " ".join(map(repr, (caught.value, str(caught.value), bmc, bmc.login, caught.value.__context__)))
    assert "wrong'" not in words
    assert PASSWORD.decode() not in words
    assert str(PASSWORD) not in words


async def test_no_free_session(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(sessions_max=1)
    await IpmiPower(pool.get(rig.login())).status()
    with pytest.raises(NoSlotError):
        await IpmiPower(pool.get(rig.login(node="n2"))).status()


async def test_silent_bmc_fails_within_the_deadline(make_rig: MakeRig) -> None:
    rig, transport = await make_rig(faults=Faults(dead=True)), Transport()
    start = time.monotonic()
    with pytest.raises(NoAnswerError, match="no answer from BMC"):
        await IpmiPower(Bmc(rig.login(), transport, deadline_s=0.7)).status()
    assert time.monotonic() - start < 5
    transport.close()


async def test_refused_command_carries_the_code(rig: Rig, pool: Pool) -> None:
    with pytest.raises(RefusedError) as caught:
        await IpmiPower(pool.get(rig.login())).change(PowerChange.RESET)
    assert caught.value.code == 0xD5


async def test_operator_account_can_use_power(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(limit=3)
    await IpmiPower(pool.get(rig.login())).change(PowerChange.ON)
    assert rig.machine.power


async def test_bmc_that_rebooted_is_logged_in_to_again(rig: Rig, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "STALE_S", 0.3)
    await IpmiPower(pool.get(rig.login())).status()
    rig.bmc.forget()
    start = time.monotonic()
    assert await IpmiPower(pool.get(rig.login())).status() is False
    assert time.monotonic() - start < 5


async def test_packet_loss_is_survived(make_rig: MakeRig, pool: Pool) -> None:
    faults = Faults(loss=0.05)
    faults.random.seed(7)
    rig = await make_rig(faults=faults)
    bmc = pool.get(rig.login())
    for _ in range(10):
        await IpmiPower(bmc).status()


async def test_slow_handshake_is_no_wrong_password(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(faults=Faults(delay_s=0.65))
    assert await IpmiPower(pool.get(rig.login())).status() is False


async def test_command_that_was_given_up_answers_nobody_else(rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(rig.login()))
    await power.set_boot(BootOverride(BootDevice.NETWORK))
    send, held = rig.bmc.transmit, list[tuple[bytes, Address]]()
    rig.bmc.transmit = lambda data, address: held.append((data, address))
    given_up = asyncio.create_task(power.status())
    await until(lambda: held)
    given_up.cancel()
    rig.bmc.transmit = send
    assert await power.boot() == BootOverride(BootDevice.NETWORK)
    for late in held:
        send(*late)
    assert await power.status() is False


async def test_waiting_for_a_turn_counts_towards_the_deadline(rig: Rig, pool: Pool) -> None:
    bmc = pool.get(rig.login())
    bmc.deadline_s = 0.5
    rig.bmc.faults.dead = True
    start = time.monotonic()
    results = await asyncio.gather(*(IpmiPower(bmc).status() for _ in range(20)), return_exceptions=True)
    assert time.monotonic() - start < 5
    assert all(isinstance(result, NoAnswerError) for result in results)


async def test_ipv6(pool: Pool) -> None:
    from sbkernel.nodes.ipmi.logins import BmcLogin
    from sbkernel.nodes.simulator import PretendMachine, SimulatedBmc, serve

    server = await serve(SimulatedBmc(PretendMachine(), {b"u": b"p"}), host="::1")
    assert await IpmiPower(pool.get(BmcLogin("n6", "::1", server.address[1], b"u", b"p"))).status() is False
    server.close()
