"""The serial console over IPMI: both directions, loss, other holders, BMCs that go away."""

from __future__ import annotations

import pytest
from bmc_rig import MakeRig, Rig
from waiting import until_async as until

from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.solconsole import ACTIVATE, APPLICATION, SolConsole
from sbkernel.nodes.power import PowerChange
from sbkernel.nodes.simulator import Faults


class Screen:
    """Collects what a console says."""

    def __init__(self) -> None:
        self.text = b""
        self.events: list[str] = []

    def console(
        self, pool: Pool, rig: Rig, *, node: str = "n1", steal: bool = False, liveness_s: float = 10
    ) -> SolConsole:
        bmc = pool.get(rig.login(node=node))
        return SolConsole(bmc, self.add, self.events.append, steal=steal, liveness_s=liveness_s)

    def add(self, data: bytes) -> None:
        self.text += data


async def test_both_directions_and_power_on_one_session(suite_rig: Rig, pool: Pool) -> None:
    screen = Screen()
    console = screen.console(pool, suite_rig)
    await console.open(5)
    await IpmiPower(pool.get(suite_rig.login())).change(PowerChange.ON)
    text = bytes(range(256)) * 40
    suite_rig.machine.on_serial(text)
    console.write(b"root\r" * 200)
    await until(lambda: screen.text == text and suite_rig.machine.typed == b"root\r" * 200)
    assert len(suite_rig.bmc.sessions) == 1
    await console.close()
    assert suite_rig.bmc.state.console.owner is None


async def test_nothing_is_lost_or_doubled_by_packet_loss(make_rig: MakeRig, pool: Pool) -> None:
    rig, screen = await make_rig(), Screen()
    rig.machine.power = True
    console = screen.console(pool, rig)
    await console.open(5)
    rig.bmc.faults.random.seed(3)
    rig.bmc.faults.loss = 0.15
    text = b"".join(b"line %d\r\n" % n for n in range(200))
    rig.machine.on_serial(text)
    console.write(text)
    await until(lambda: screen.text == text and rig.machine.typed == text, 40)
    rig.bmc.faults.loss = 0
    await console.close()


async def test_input_to_a_node_without_power_is_dropped_and_blocks_nobody(rig: Rig, pool: Pool) -> None:
    screen = Screen()
    console = screen.console(pool, rig)
    await console.open(5)
    send, answers = rig.bmc.transmit, list[bytes]()
    rig.bmc.transmit = lambda data, address: (answers.append(data), send(data, address))[1]
    console.write(b"lost")
    await until(lambda: answers)
    rig.machine.power = True
    console.write(b"kept")
    await until(lambda: rig.machine.typed == b"kept")
    await console.close()


async def test_reconnects_after_the_bmc_rebooted(rig: Rig, pool: Pool) -> None:
    screen = Screen()
    console = screen.console(pool, rig, liveness_s=0.2)
    await console.open(5)
    rig.bmc.forget()
    await until(lambda: "console disconnected" in screen.events)
    await until(lambda: console.connected)
    rig.machine.on_serial(b"back")
    await until(lambda: screen.text == b"back")
    await console.close()


async def test_bmc_that_comes_up_later(make_rig: MakeRig, pool: Pool) -> None:
    rig, screen = await make_rig(faults=Faults(dead=True)), Screen()
    console = screen.console(pool, rig)
    console.bmc.deadline_s = 0.3
    console.keep()
    with pytest.raises(TimeoutError):
        await console.open(1)
    assert screen.events == [f"console: no answer from BMC 127.0.0.1:{rig.port}"]
    rig.bmc.faults.dead = False
    await until(lambda: console.connected)
    await console.close()


async def test_taken_console_says_by_whom_and_can_be_stolen(rig: Rig, pool: Pool) -> None:
    first, second, thief = Screen(), Screen(), Screen()
    held = first.console(pool, rig)
    await held.open(5)
    waiting = second.console(pool, rig, node="n2")
    waiting.keep()
    await until(lambda: bool(second.events))
    owner = rig.bmc.state.console.owner
    assert owner is not None
    assert second.events == [f"console: another session 0x{owner.number:08x} holds the console"]
    await waiting.close()
    robber = thief.console(pool, rig, node="n3", steal=True)
    await robber.open(5)
    await until(lambda: "console disconnected" in first.events)
    await held.close()
    rig.machine.on_serial(b"mine")
    await until(lambda: thief.text == b"mine")
    assert first.text == b""
    await robber.close()


async def test_a_console_whose_first_answer_was_lost_is_ours_all_the_same(rig: Rig, pool: Pool) -> None:
    screen = Screen()
    rig.bmc.faults.unanswered = frozenset({(APPLICATION, ACTIVATE)})
    console = screen.console(pool, rig)
    console.keep()
    await until(lambda: rig.bmc.state.arrived[APPLICATION, ACTIVATE] == 1)
    rig.bmc.faults.unanswered = frozenset()
    await console.open(10)
    assert screen.events == ["console connected"]
    await console.close()
