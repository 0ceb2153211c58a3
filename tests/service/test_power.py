"""rpower, rsetboot and waiting, through the service against simulated BMCs."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from service_rig import Bmcs
from waiting import until

import sbkernel.service
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.netboot import bootlog
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.service.power.safety import check_count
from sbkernel.site import Site

CONTROL = (0x00, 0x02)
"""The IPMI command Chassis Control."""


def texts(site: Site, noderange: str, action: str, confirm: int | None = None) -> dict[str, str]:
    return {result.node: result.text for result in verbs.rpower(site, noderange, action, confirm)}


@pytest.mark.usefixtures("service")
def test_power_is_what_was_done(site: Site, bmcs: Bmcs) -> None:
    node = bmcs.add(site, "n1")
    said = [texts(site, "n1", action)["n1"] for action in ("stat", "on", "on", "boot", "reset", "off", "off", "boot")]
    assert said == ["off", "on", "on", "reset", "reset", "off", "off", "on"]
    assert [control.name for control in node.machine.controls] == ["ON", "RESET", "RESET", "OFF", "ON"]
    stages = [event["stage"] for event in bootlog.read(site, "n1", since_power_on=False)]
    assert stages == ["power-on"] * 4
    until(lambda: site.nodes["n1"].get("status") == "powering-on")
    texts(site, "n1", "off")
    until(lambda: site.nodes["n1"].get("status") == "powering-off")


@pytest.mark.usefixtures("service")
def test_one_bad_node_costs_nobody_else_a_result(site: Site, bmcs: Bmcs) -> None:
    bmcs.add(site, "n1")
    bmcs.add(site, "n2", bmcpassword="wrong")
    site.set("node", "n3", groups="all")
    site.set("node", "n4", groups="all", mgt="ipmi")
    results = {result.node: result for result in verbs.rpower(site, "n1-n4", "stat")}
    assert [results[f"n{i}"].ok for i in (1, 2, 3, 4)] == [True, False, False, False]
    assert "wrong password" in results["n2"].text
    assert "nodehm.power,mgt" in results["n3"].text
    assert "no bmc" in results["n4"].text
    assert [bool(results[f"n{i}"].hint) for i in (1, 2, 3, 4)] == [False, True, True, True]


@pytest.mark.usefixtures("service")
def test_a_slow_bmc_cycles_its_node_once(site: Site, bmcs: Bmcs) -> None:
    node = bmcs.add(site, "n1")
    node.machine.power = True
    node.bmc.faults.slow_s[CONTROL] = 3
    assert texts(site, "n1", "cycle") == {"n1": "cycle"}
    assert [change.value for change in node.machine.controls] == ["cycle"]
    assert node.bmc.state.arrived[CONTROL] == 1


@pytest.mark.usefixtures("service")
def test_a_cycle_without_an_answer_is_told_and_not_repeated(site: Site, bmcs: Bmcs) -> None:
    node, well = bmcs.add(site, "n1"), bmcs.add(site, "n2")
    node.machine.power = well.machine.power = True
    node.bmc.faults.unanswered = frozenset({CONTROL})
    results = {result.node: result for result in verbs.rpower(site, "n1,n2", "cycle")}
    assert (results["n2"].ok, results["n2"].text) == (True, "cycle")
    assert not results["n1"].ok
    assert re.fullmatch(r"sent, no answer from BMC 127\S+; the node may have been power-cycled", results["n1"].text)
    assert "before you send it again" in str(results["n1"].hint)
    assert node.bmc.state.arrived[CONTROL] == 1
    assert "power: cycle, no answer" in (site.consoles / "n1.index").read_text()


@pytest.mark.usefixtures("service")
def test_named_nodes_are_these_and_no_range(site: Site, bmcs: Bmcs) -> None:
    nodes = [bmcs.add(site, f"n{i}") for i in range(1, 4)]
    results = {result.node: result for result in verbs.rpower(site, ["n1", "all", "n2-n3", "n1"], "on")}
    assert {name: result.ok for name, result in results.items()} == {"n1": True, "all": False, "n2-n3": False}
    assert [node.machine.power for node in nodes] == [True, False, False]
    assert [result.text for result in verbs.rsetboot(site, ["n2"], "net")] == ["Network"]


@pytest.mark.usefixtures("service")
def test_the_nodes_that_were_asked_about_are_sent_though_the_group_changes_meanwhile(site: Site, bmcs: Bmcs) -> None:
    nodes = {f"n{i}": bmcs.add(site, f"n{i}", groups="all,rack") for i in range(1, 10)}
    nodes["n10"] = bmcs.add(site, "n10", groups="all")
    for node in nodes.values():
        node.machine.power = True
    near, far = pty.openpty()
    os.set_blocking(near, False)
    said = bytearray()

    def says(words: bytes) -> bool:
        with contextlib.suppress(BlockingIOError):
            said.extend(os.read(near, 4096))
        return words in said

    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "rpower", "rack", "off"]
    process = subprocess.Popen(argv, stdin=far, stdout=far, stderr=far, start_new_session=True)
    until(lambda: says(b"off stops 9 nodes") and says(b"to go on"), seen=said.decode)
    site.set("node", "n9", groups="all")
    site.set("node", "n10", groups="all,rack")
    os.write(near, b"9\n")
    until(lambda: says(b": off") and said.count(b": off\r\n") == 9, seen=said.decode)
    assert process.wait(60) == 0
    assert [name for name, node in nodes.items() if node.machine.power] == ["n10"]
    os.close(near)
    os.close(far)


@pytest.mark.usefixtures("service")
def test_a_virtual_node_is_powered_without_a_bmc_between(site: Site) -> None:
    site.set("node", "kvm2", groups="all", mgt="kvm", vmhost="localhost", vmmemory="64", mac="52:54:00:00:00:02")
    assert texts(site, "kvm2", "stat") == {"kvm2": "off"}
    assert texts(site, "kvm2", "on") == {"kvm2": "on"}
    assert texts(site, "kvm2", "boot") == {"kvm2": "reset"}
    assert verbs.rsetboot(site, "kvm2", "hd")[0].text == "Hard Drive"
    assert texts(site, "kvm2", "off") == {"kvm2": "off"}


def test_the_service_names_no_way_to_reach_hardware() -> None:
    ways = re.compile("ipmi|pyghmi|bmc|redfish|kvm", re.IGNORECASE)
    files = Path(sbkernel.service.__file__).parent.rglob("*.py")
    assert [path.name for path in files if ways.search(path.read_text())] == []


@pytest.mark.usefixtures("service")
def test_stopping_many_nodes_needs_their_count(site: Site, bmcs: Bmcs) -> None:
    nodes = [bmcs.add(site, f"n{i}") for i in range(1, 10)]
    for confirm in (None, 8, True):
        with pytest.raises(DefinitionError, match="would stop 9 nodes"):
            verbs.rpower(site, "n1-n9", "off", confirm)
    assert not any(node.machine.controls for node in nodes)
    assert set(texts(site, "n1-n9", "on").values()) == {"on"}
    assert set(texts(site, "n1-n9", "off", confirm=9).values()) == {"off"}
    check_count("off", ["n1"] * 8, None)


@pytest.mark.usefixtures("service")
def test_rsetboot(site: Site, bmcs: Bmcs) -> None:
    node = bmcs.add(site, "n1")
    said = [verbs.rsetboot(site, "n1", device)[0].text for device in ("stat", "net", "stat", "hd", "default")]
    assert said == ["boot override inactive", "Network", "Network", "Hard Drive", "boot override inactive"]
    verbs.rsetboot(site, "n1", "cd", persistent=True, uefi=True)
    assert (node.machine.boot.persistent, node.machine.boot.uefi) == (True, True)
    with pytest.raises(DefinitionError, match="unsupported command"):
        verbs.rsetboot(site, "n1", "tape")


@pytest.mark.usefixtures("service")
def test_an_unknown_action_is_refused(site: Site, bmcs: Bmcs) -> None:
    bmcs.add(site, "n1")
    with pytest.raises(DefinitionError, match="unsupported command rpower dance"):
        verbs.rpower(site, "n1", "dance")


def test_power_and_console_share_one_session(site: Site, bmcs: Bmcs, service: Service) -> None:
    node = bmcs.add(site, "n1")
    texts(site, "n1", "on")
    status = service.status()
    assert status is not None
    assert status["consoles"] == {"n1": "connected"}
    assert len(node.bmc.sessions) == 1
    service.stop()
    assert not node.bmc.sessions


def test_waiting_ends_at_the_stage_the_failure_or_the_time(site: Site) -> None:
    site.set("node", "n1", groups="all")
    (site.consoles / "n1.log").write_bytes(b"line 1\r\n\x1b[31mwget: not found\x1b[0m\r\n")
    bootlog.append(site, "n1", "failed", reason="of the boot before")
    bootlog.append(site, "n1", "power-on")
    threading.Timer(0.4, bootlog.append, (site, "n1", "initrd")).start()
    assert verbs.wait_for(site, "n1", "initrd", 10)["stage"] == "initrd"
    with pytest.raises(NodeError, match=r"no login within 0\.3 s; last: initrd") as caught:
        verbs.wait_for(site, "n1", "login", 0.3)
    assert "wget: not found" in str(caught.value)
    threading.Timer(0.4, bootlog.append, (site, "n1", "failed"), {"reason": "image not found"}).start()
    began = time.monotonic()
    with pytest.raises(NodeError, match="n1: boot failed: image not found"):
        verbs.wait_for(site, "n1", "login", 60)
    assert time.monotonic() - began < 10
