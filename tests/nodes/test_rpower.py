"""rpower and rsetboot: what is sent, what is printed, and that one bad node costs nobody else."""

from __future__ import annotations

import pytest
from bmc_rig import MakeRig, Rig

from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.nodes.bmc import BmcLogin
from sbkernel.nodes.chassis import BootDevice, BootFlags, Control
from sbkernel.nodes.fanout import fan_out
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.results import NodeResult
from sbkernel.nodes.rpower import rpower
from sbkernel.nodes.rsetboot import rsetboot
from sbkernel.nodes.simulator import Faults

# action, running before -> text and what the BMC was told, as xCAT's ipmi plugin
POWER = [
    ("stat", False, "off", []),
    ("state", True, "on", []),
    ("status", True, "on", []),
    ("on", False, "on", [Control.ON]),
    ("on", True, "on", []),
    ("off", True, "off", [Control.OFF]),
    ("off", False, "off", []),
    ("softoff", True, "softoff", [Control.SOFT]),
    ("softoff", False, "off", []),
    ("reset", True, "reset", [Control.RESET]),
    ("reset", False, "off", []),
    ("boot", True, "reset", [Control.RESET]),
    ("boot", False, "on", [Control.ON]),
    ("cycle", True, "cycle", [Control.CYCLE]),
    ("cycle", False, "on", [Control.ON]),
    ("nmi", True, "nmi", [Control.NMI]),
    ("nmi", False, "off", []),
]


@pytest.mark.parametrize(("action", "running", "text", "controls"), POWER)
async def test_power(rig: Rig, action: str, running: bool, text: str, controls: list[Control]) -> None:
    rig.machine.power = running
    assert [r async for r in rpower({"n1": rig.login()}, action)] == [NodeResult("n1", True, text)]
    assert rig.machine.controls == controls


async def test_sessions_end_with_a_call_without_pool(rig: Rig) -> None:
    assert [r.text async for r in rpower({"n1": rig.login()}, "stat")] == ["off"]
    assert rig.machine.controls == []
    # The log-out is the last datagram; the next login finds its place free.
    rig.bmc.sessions_max = 1
    assert [r.text async for r in rpower({"n1": rig.login()}, "stat")] == ["off"]


async def test_unknown_action_is_refused_before_anything_is_sent(rig: Rig) -> None:
    with pytest.raises(DefinitionError, match="unsupported command rpower explode"):
        _ = [r async for r in rpower({"n1": rig.login()}, "explode")]
    with pytest.raises(DefinitionError, match="unsupported command rsetboot moon"):
        _ = [r async for r in rsetboot({"n1": rig.login()}, "moon")]
    assert not rig.bmc.sessions


async def test_one_result_per_node_good_or_bad(make_rig: MakeRig, pool: Pool) -> None:
    good, dead, locked = await make_rig(), await make_rig(faults=Faults(dead=True)), await make_rig()
    pool.get(dead.login(node="dead")).deadline_s = 0.5
    logins: dict[str, BmcLogin | SbkernelError] = {
        "good": good.login(node="good"),
        "dead": dead.login(node="dead"),
        "locked": locked.login(node="locked", password=b"no"),
        "homeless": SbkernelError("homeless: it has no bmc"),
    }
    results = [r async for r in rpower(logins, "on", pool)]
    assert {r.node: (r.ok, r.text) for r in results} == {
        "good": (True, "on"),
        "dead": (False, f"no answer from BMC 127.0.0.1:{dead.port}"),
        "locked": (False, f"wrong password for BMC 127.0.0.1:{locked.port}"),
        "homeless": (False, "homeless: it has no bmc"),
    }
    assert results[-1].node == "dead"


async def test_a_bug_on_one_node_is_that_nodes_result(rig: Rig) -> None:
    async def broken(_bmc: object) -> str:
        raise IndexError("answer too short")

    results = [r async for r in fan_out({"n1": rig.login()}, broken)]
    assert results == [NodeResult("n1", False, "unexpected answer from the BMC (IndexError)")]


BOOT = [
    ("net", "Network", BootDevice.NETWORK),
    ("hd", "Hard Drive", BootDevice.HARD_DRIVE),
    ("cd", "CD/DVD", BootDevice.CD),
    ("floppy", "Floppy", BootDevice.FLOPPY),
    ("setup", "BIOS Setup", BootDevice.SETUP),
]


@pytest.mark.parametrize(("action", "text", "device"), BOOT)
async def test_boot_device(rig: Rig, action: str, text: str, device: BootDevice) -> None:
    logins = {"n1": rig.login()}
    assert [r.text async for r in rsetboot(logins, action, persistent=True, uefi=True)] == [text]
    assert rig.machine.boot == BootFlags(device, persistent=True, uefi=True)
    assert [r.text async for r in rsetboot(logins, "stat")] == [text]
    assert [r.text async for r in rsetboot(logins, "def")] == ["boot override inactive"]
