"""A command that changes a node is sent once, whatever becomes of it or of its answer; only reads are repeated."""

from __future__ import annotations

import asyncio

import pytest
from bmc_rig import MakeRig, Rig
from waiting import until_async as until

from sbkernel.nodes import rpower as verb
from sbkernel.nodes.failures import LostAnswerError, NoAnswerError
from sbkernel.nodes.ipmi import bmc as client
from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.solconsole import SolConsole
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.rpower import carry_out
from sbkernel.nodes.rsetboot import rsetboot
from sbkernel.nodes.simulator import Faults

CONTROL = (chassis.NETFN_CHASSIS, chassis.CONTROL)
SET_BOOT = (chassis.NETFN_CHASSIS, chassis.SET_BOOT_OPTIONS)
STATUS = (chassis.NETFN_CHASSIS, chassis.GET_STATUS)
CERTAIN = [PowerChange.ON, PowerChange.OFF]


def impatient(rig: Rig, pool: Pool, answer_s: float = 1) -> IpmiPower:
    """Return the power of the rig's node, for somebody who waits less long for the answer to a change."""
    bmc = pool.get(rig.login())
    bmc.answer_s = answer_s
    return IpmiPower(bmc)


async def test_a_bmc_that_answers_late_cycles_the_node_once(rig: Rig, pool: Pool) -> None:
    rig.machine.power = True
    rig.bmc.faults.slow_s[CONTROL] = 3
    power = IpmiPower(pool.get(rig.login()))
    await carry_out(power, PowerChange.CYCLE)
    assert rig.machine.controls == [PowerChange.CYCLE]
    assert rig.bmc.state.arrived[CONTROL] == 1
    assert await power.status() is True


@pytest.mark.parametrize("change", PowerChange)
async def test_a_lost_answer_is_no_second_command(rig: Rig, pool: Pool, change: PowerChange) -> None:
    rig.machine.power = change != PowerChange.ON
    rig.bmc.faults.unanswered = frozenset({CONTROL})
    power = impatient(rig, pool)
    if change.leaves is not None:
        await carry_out(power, change)  # the state tells that it was done
    else:
        with pytest.raises(LostAnswerError, match=r"sent, no answer from BMC 127.*; the node may have ") as caught:
            await carry_out(power, change)
        assert "rcons" in str(caught.value.hint)
    assert rig.machine.controls == [change]
    assert rig.bmc.state.arrived[CONTROL] == 1


@pytest.mark.parametrize("change", PowerChange)
async def test_a_lost_command_is_not_sent_again(
    rig: Rig, pool: Pool, change: PowerChange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "SETTLE_S", 0.6)
    rig.machine.power = change != PowerChange.ON
    rig.bmc.faults.unheard = frozenset({CONTROL})
    said = f"still {'off' if change == PowerChange.ON else 'on'}" if change in CERTAIN else "may "
    with pytest.raises(LostAnswerError, match=f"n1: sent, no answer from BMC .*; the node (is )?{said}"):
        await carry_out(impatient(rig, pool), change)
    assert rig.machine.controls == []
    assert rig.bmc.state.arrived[CONTROL] == 1


async def test_a_boot_device_is_set_once(rig: Rig, pool: Pool) -> None:
    power = impatient(rig, pool, 0.5)
    rig.bmc.faults.unanswered = frozenset({SET_BOOT})
    assert await rsetboot(power, "net") == "Network"
    assert rig.bmc.state.arrived[SET_BOOT] == 2  # how long it holds, and the device
    rig.bmc.faults.unanswered, rig.bmc.faults.unheard = frozenset(), frozenset({SET_BOOT})
    with pytest.raises(LostAnswerError, match=r"sent, no answer from BMC .*; it is still: Network"):
        await rsetboot(power, "hd")
    assert rig.bmc.state.arrived[SET_BOOT] == 4
    assert rig.machine.boot == BootOverride(BootDevice.NETWORK)


async def test_a_bmc_that_acts_late_and_says_nothing_is_waited_for(rig: Rig, pool: Pool) -> None:
    rig.bmc.faults.unheard = frozenset({CONTROL})
    power = impatient(rig, pool)

    async def late() -> None:
        await until(lambda: rig.bmc.state.arrived[STATUS] >= 3)
        rig.machine.power = True

    acts = asyncio.create_task(late())
    await carry_out(power, PowerChange.ON)
    await acts
    assert rig.bmc.state.arrived[CONTROL] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [(PowerChange.RESET, "the node may have been reset"), (PowerChange.OFF, "whether the node is off is not known")],
    ids=["reset", "off"],
)
async def test_a_bmc_that_says_nothing_any_more(rig: Rig, pool: Pool, change: PowerChange, said: str) -> None:
    rig.machine.power = True
    power = impatient(rig, pool)
    await power.boot()  # with the privilege that a change needs
    rig.bmc.transmit = lambda _data, _address: None
    pool.get(rig.login()).deadline_s = 1
    with pytest.raises(LostAnswerError, match=said):
        await carry_out(power, change)
    assert rig.machine.controls == [change]


async def test_a_change_that_could_not_be_sent_says_so(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(faults=Faults(dead=True))
    pool.get(rig.login()).deadline_s = 0.5
    with pytest.raises(NoAnswerError, match="n1: no answer from BMC") as caught:
        await IpmiPower(pool.get(rig.login())).change(PowerChange.ON)
    assert not isinstance(caught.value, LostAnswerError)


async def test_a_change_goes_out_on_a_session_that_the_bmc_still_knows(
    rig: Rig, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FRESH_S", 0)
    monkeypatch.setattr(client, "STALE_S", 0.3)
    power = IpmiPower(pool.get(rig.login()))
    await power.status()
    rig.bmc.forget()
    await power.change(PowerChange.ON)
    assert rig.machine.controls == [PowerChange.ON]
    assert rig.bmc.state.arrived[CONTROL] == 1


async def test_reads_are_repeated(rig: Rig, pool: Pool) -> None:
    power = IpmiPower(pool.get(rig.login()))
    await power.status()
    rig.bmc.faults.unanswered = frozenset({STATUS})
    asked = asyncio.create_task(power.status())
    await until(lambda: rig.bmc.state.arrived[STATUS] >= 3)
    rig.bmc.faults.unanswered = frozenset()
    assert await asked is False


async def test_a_late_answer_is_taken_for_no_other_command(rig: Rig, pool: Pool) -> None:
    rig.machine.power = True
    rig.bmc.faults.slow_s[CONTROL] = 1.5
    power = impatient(rig, pool)
    for _ in range(2):  # the answer to the first reset comes while the second waits for its own
        with pytest.raises(LostAnswerError):
            await power.change(PowerChange.RESET)
    assert rig.machine.controls == [PowerChange.RESET] * 2


async def test_the_console_stays_when_the_answer_to_a_reset_is_lost(rig: Rig, pool: Pool) -> None:
    rig.machine.power = True
    power, events, seen = impatient(rig, pool), list[str](), bytearray()
    console = SolConsole(pool.get(rig.login()), seen.extend, events.append)
    await console.open(10)
    rig.bmc.faults.unanswered = frozenset({CONTROL})
    with pytest.raises(LostAnswerError):
        await carry_out(power, PowerChange.RESET)
    rig.machine.on_serial(b"SeaBIOS")
    await until(lambda: bytes(seen) == b"SeaBIOS")
    assert events == ["console connected"]
    await console.close()
