"""A virtual node that is reached without a BMC: what its process is told, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from waiting import until_async as until

from sbkernel.jobs import localsocket
from sbkernel.nodes.failures import LostAnswerError, NoAnswerError, RefusedError
from sbkernel.nodes.mkvm import mkvm, rmvm
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.rsetboot import rsetboot
from sbkernel.nodes.virtual.host import VirtualNodes
from sbkernel.nodes.virtual.kvm import QemuPower
from sbkernel.nodes.virtual.orders import SOCKET
from sbkernel.site import Site


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[VirtualNodes]:
    # A long path on purpose: the path of a unix socket has room for 107 bytes only.
    with Site.open(tmp_path / ("a-site-with-a-long-name-" * 4)) as site:
        nodes = VirtualNodes(site)
        server = await nodes.serve()
        yield nodes
        server.close()
        await nodes.close()


def power_of(nodes: VirtualNodes, name: str = "kvm1") -> QemuPower:
    return QemuPower(name, nodes.site.run / SOCKET)


async def test_only_its_owner_may_give_orders(nodes: VirtualNodes) -> None:
    assert (nodes.site.run / SOCKET).stat().st_mode & 0o777 == 0o600


async def test_a_node_that_was_just_defined_is_known(nodes: VirtualNodes) -> None:
    with pytest.raises(RefusedError, match=r"^kvm1: it is no virtual node of this site$"):
        await power_of(nodes).status()
    nodes.site.set("node", "kvm1", groups="all", mgt="kvm", vmhost="localhost", mac="52:54:00:00:00:01")
    assert await power_of(nodes).status() is False


async def test_orders_given_at_once_are_carried_out_one_after_the_other(nodes: VirtualNodes) -> None:
    mkvm(nodes.site, "kvm1", memory_mb=64, cpus=1)
    power, machine = power_of(nodes), await nodes.machine("kvm1")
    await power.set_boot(BootOverride(BootDevice.HARD_DRIVE))
    await power.change(PowerChange.ON)
    assert await power.boot() is None
    first = machine.pid
    await power.change(PowerChange.RESET)
    assert machine.pid == first
    await power.set_boot(BootOverride(BootDevice.HARD_DRIVE, persistent=True))
    await power.change(PowerChange.RESET)
    assert machine.pid not in (None, first)
    assert await power.boot() == BootOverride(BootDevice.HARD_DRIVE, persistent=True)
    await power.change(PowerChange.OFF)
    assert machine.pid is None


async def test_what_qemu_says_when_it_cannot_start_comes_back(nodes: VirtualNodes) -> None:
    mkvm(nodes.site, "kvm1", memory_mb=64, cpus=1)
    power = power_of(nodes)
    with (
        socket.create_server(("127.0.0.1", int(nodes.site.nodes["kvm1"].get("vmsshport")))),
        pytest.raises(RefusedError, match=r"kvm1: QEMU failed: .*hostfwd"),
    ):
        await power.change(PowerChange.ON)
    assert await power.status() is False
    await power.change(PowerChange.ON)
    assert await power.status() is True


async def test_a_bridge_that_is_missing_is_named(nodes: VirtualNodes) -> None:
    mkvm(nodes.site, "kvm1", network="sbnone")
    with pytest.raises(RefusedError, match="cannot put a virtual node on the bridge sbnone") as caught:
        await power_of(nodes).change(PowerChange.ON)
    assert "needs no privileges" in str(caught.value.hint)


async def test_a_definition_that_nobody_foresaw_ends_nothing(nodes: VirtualNodes) -> None:
    mkvm(nodes.site, "kvm1", memory_mb=64, cpus=1)
    nodes.site.set("node", "kvm1", vmcpus="1,pinned")
    with pytest.raises(RefusedError, match=r"kvm1: unexpected trouble \(ValueError: .*1,pinned"):
        await power_of(nodes).change(PowerChange.ON)
    nodes.site.set("node", "kvm1", vmcpus="1")
    await power_of(nodes).change(PowerChange.ON)
    assert await power_of(nodes).status() is True


async def test_a_node_that_is_removed_answers_nobody_any_more(nodes: VirtualNodes) -> None:
    mkvm(nodes.site, "kvm1", memory_mb=64, cpus=1)
    power = power_of(nodes)
    await power.change(PowerChange.ON)
    machine = await nodes.machine("kvm1")
    cycle = asyncio.create_task(power.change(PowerChange.CYCLE))
    await until(lambda: machine.pid is None)
    rmvm(nodes.site, "kvm1")
    await nodes.refresh()
    with pytest.raises(LostAnswerError):
        await cycle
    with pytest.raises(RefusedError, match="no virtual node"):
        await power.status()


async def test_without_the_process_nothing_was_sent(tmp_path: Path) -> None:
    power = QemuPower("kvm1", tmp_path / SOCKET)
    for call in (power.status(), power.change(PowerChange.ON)):
        with pytest.raises(NoAnswerError, match="no answer from the process of the virtual nodes") as caught:
            await call
        assert type(caught.value) is NoAnswerError
        assert "sb service status" in str(caught.value.hint)


async def test_a_process_that_dies_with_an_order_may_have_carried_it_out(tmp_path: Path) -> None:
    power = QemuPower("kvm1", tmp_path / SOCKET, answer_s=0.3)
    with closing(localsocket.listen(tmp_path / SOCKET)):
        with pytest.raises(LostAnswerError, match="sent, no answer from the process of the virtual nodes"):
            await power.change(PowerChange.OFF)
        with pytest.raises(LostAnswerError, match="; whether it was set is not known"):
            await rsetboot(power, "hd")
        with pytest.raises(NoAnswerError):
            await power.status()
