"""The nodes that are not well, from what was written down of their boots: logs of boots and of consoles."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from service_rig import Bmcs

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import NodeError, NotFoundError
from sbkernel.netboot import bootlog
from sbkernel.service.client import Service
from sbkernel.service.console.conlog import ConsoleLog
from sbkernel.service.stuck import Stuck, stuck
from sbkernel.service.verbs import wait_for
from sbkernel.site import Site

STAGES = ("power-on", "dhcp", "ipxe", "kernel", "initrd", "fetched", "verified", "mounted", "userspace", "login")
WITH_CONSOLE = {"groups": "all", "cons": "ipmi", "provmethod": "img"}


def booted(site: Site, node: str, until: str = "login", *, ago_s: float = 3600, each_s: float = 10) -> None:
    """Write down a boot that reached a stage `ago_s` seconds ago."""
    reached = STAGES[: STAGES.index(until) + 1]
    began = time.time() - ago_s - each_s * (len(reached) - 1)
    for number, stage in enumerate(reached):
        bootlog.append(site, node, stage, began + number * each_s)


@pytest.fixture
def nodes(site: Site) -> Iterator[Site]:
    """Five nodes that have booted twice, the second time in different ways."""
    for node in ("n1", "n2", "n3", "n4", "n5"):
        site.set("node", node, **WITH_CONSOLE)
        for _ in range(6):
            booted(site, node, ago_s=7200)
    booted(site, "n2", "kernel")
    booted(site, "n3", "fetched", ago_s=25)
    booted(site, "n4", "fetched", ago_s=2)
    booted(site, "n5", "initrd")
    bootlog.append(site, "n5", "failed", reason="too little memory for the image")
    yield site


def sb(site: Site, *words: str) -> Result:
    return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), *words], standalone_mode=False)


def show(site: Site, node: str, text: bytes) -> None:
    log = ConsoleLog(site.consoles, node)
    log.event("connected")
    log.write(text)
    log.close()


def states(found: Stuck) -> dict[str, str]:
    return {one.node: one.state for one in found.nodes}


def test_those_that_are_not_well_are_listed(nodes: Site) -> None:
    found = stuck(nodes)
    assert states(found) == {"n1": "well", "n2": "stuck", "n3": "slow", "n4": "booting", "n5": "failed"}
    assert [one.node for one in found.not_well] == ["n2", "n3", "n5"] == list(found.df["node"])
    assert "(usually 10.0 s, 95 % at most 10.0 s)" in found.not_well[0].text
    assert states(stuck(nodes, "n1,n4")) == {"n1": "well", "n4": "booting"} == states(stuck(nodes, ["n1", "n4"]))
    assert states(stuck(nodes, "n5")) == {"n5": "failed"}
    with pytest.raises(NotFoundError):
        stuck(nodes, ["n9"])


def test_a_node_with_postscripts_is_well_when_they_have_ended(nodes: Site) -> None:
    for stage in ("postscripts", "syncfiles", "postscript", "postscript", "booted"):
        assert states(stuck(nodes, "n1")) == {"n1": "well"}
        bootlog.append(nodes, "n1", stage, script="x")
    (one,) = stuck(nodes, "n1").nodes
    assert (one.state, one.stage) == ("well", "booted")


def test_only_the_console_of_this_boot_counts(nodes: Site) -> None:
    show(nodes, "n2", b"Kernel panic - not syncing: of the last boot\r\n")
    index = nodes.consoles / "n2.index"
    index.write_text("".join(f'[{time.time() - 9000}, {json.loads(line)[1]}, "out"]\n' for line in index.open()))
    assert stuck(nodes, "n2").nodes[0].cause.startswith("kernel fetched, but")
    show(nodes, "n2", b"\x1b[1msbkernel [ 9.1]\x1b[0m eth0: no answer from a DHCP server (try 2 of 6)\r\n")
    (one,) = stuck(nodes, "n2").nodes
    assert one.why == "initrd without a network: eth0: no answer from a DHCP server (try 2 of 6)"
    assert (
        one.evidence[0].where == f"log/consoles/n2.log, byte {len(b'Kernel panic - not syncing: of the last boot') + 2}"
    )


def test_a_console_of_any_size_is_read_from_its_end(nodes: Site) -> None:
    show(nodes, "n2", b"x" * 1_000_000 + b"\r\nKernel panic - not syncing: x\r\n" + b"y" * 2000)
    (one,) = stuck(nodes, "n2").nodes
    assert one.why == "kernel panic: Kernel panic - not syncing: x"
    raw = (nodes.consoles / "n2.log").read_bytes()
    assert one.evidence[0].where.endswith(f"byte {raw.index(b'Kernel panic')}")


def test_a_lost_console_and_a_node_that_is_off(nodes: Site) -> None:
    booted(nodes, "n2", "power-on")
    ConsoleLog(nodes.consoles, "n2").event("lost: no answer")
    assert stuck(nodes, "n2").nodes[0].cause.startswith("BMC dead")
    nodes.set("node", "n2", status="powering-off")
    assert stuck(nodes, "n2").nodes[0].text == "powered off"


def test_a_node_sent_to_its_disk_is_well(nodes: Site) -> None:
    booted(nodes, "n2", "ipxe")
    assert states(stuck(nodes, "n2")) == {"n2": "stuck"}
    nodes.set("node", "n2", currstate="boot")
    assert states(stuck(nodes, "n2")) == {"n2": "well"}


def test_the_verb_prints_lines_and_says_by_its_status_whether_something_is_wrong(nodes: Site) -> None:
    listed = sb(nodes, "stuck")
    assert listed.return_value == 1
    assert [line.partition(":")[0] for line in listed.stdout.splitlines()] == ["n2", "n3", "n5"]
    assert "n5: failed after initrd" in listed.stdout and "too little memory for the image" in listed.stdout
    assert listed.stderr.count("do: ") == 2 and "NODE" in listed.stderr
    more = sb(nodes, "stuck", "n5", "-v")
    assert "  too little memory for the image  (log/boot/n5.jsonl, failed at" in more.stdout
    assert "  do: make the image smaller" in more.stdout and not more.stderr
    assert sb(nodes, "stuck", "n1,n4").return_value == 0 == sb(nodes, "stuck", "n3").return_value
    assert sb(nodes, "stuck", "n1,n4").stderr == "nothing is stuck: 1 well, 1 booting\n"
    assert sb(nodes, "stuck", "n1,n4", "-a").stdout.startswith("n1: login, 2 h 0 min ago\nn4: boots: at fetched for")
    wrong = sb(nodes, "stuck", "n9")
    assert isinstance(wrong.exception, NotFoundError) and "n9" in str(wrong.exception)


def test_json_is_data(nodes: Site) -> None:
    data = json.loads(sb(nodes, "stuck", "--json").stdout)
    assert data["summary"] == "1 well, 1 stuck, 1 slow, 1 booting, 1 failed"
    first = data["not_well"][0]
    assert (first["node"], first["state"], first["stage"], first["usual_s"]) == ("n2", "stuck", "kernel", 10.0)


def test_control_characters_of_a_node_do_not_reach_the_terminal(nodes: Site) -> None:
    bootlog.append(nodes, "n5", "failed", reason="x\x1b[2Jy\nn1: all is well")
    assert "\x1b" not in (text := sb(nodes, "stuck", "-v").stdout) and "\nn1: all is well" not in text


def test_waiting_for_a_boot_that_does_not_go_on_says_why(nodes: Site) -> None:
    show(nodes, "n2", b"n2: the image could not be loaded, try 3 of 6\r\n")
    with pytest.raises(NodeError, match="no login within 0 s") as late:
        wait_for(nodes, "n2", timeout_s=0)
    assert "stuck at kernel for 1 h 0 min" in str(late.value.hint)
    assert "boot script fetched, but no kernel" in str(late.value.hint) and "do: check that" in str(late.value.hint)
    with pytest.raises(NodeError, match="boot failed: too little memory") as failed:
        wait_for(nodes, "n5")
    assert "do: make the image smaller" in str(failed.value.hint)


def test_damaged_logs_are_no_reason_to_say_nothing(nodes: Site) -> None:
    for name in ("n2.index", "n2.log"):
        (nodes.consoles / name).write_bytes(b'\xff\x00[1,\n[]\n{}\n"out"]\n[1, 2]\n' * 50)
    bootlog.path(nodes, "n3").write_bytes(b'\xff{"stage":"ipxe"}\n{"t":"x","stage":1}\n{"t":1,"stage":"odd"}\n')
    assert states(stuck(nodes, "n2,n3")) == {"n2": "stuck", "n3": "stuck"}


def test_no_nodes_and_no_boots(site: Site, tmp_path: Path) -> None:
    assert str(stuck(site)) == "nothing is stuck: no nodes"
    site.set("node", "n1", **WITH_CONSOLE)
    assert states(stuck(site)) == {"n1": "unseen"}
    assert sb(site, "stuck").return_value == 0
    assert not (tmp_path / "site" / "log" / "boot").exists(), "looking makes nothing"


def test_the_bmc_of_a_node_that_does_not_go_on_is_asked(nodes: Site, service: Service, bmcs: Bmcs) -> None:
    for node in ("n1", "n2"):
        booted(nodes, node, "power-on")
    bmcs.add(nodes, "n1", provmethod="img")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{nobody.getsockname()[1]}"
        nodes.set("node", "n2", mgt="ipmi", bmc=dead, bmcusername="u", bmcpassword="p")
        off, lost = stuck(nodes, "n1,n2", ask_power=True).nodes
    assert (off.state, off.cause, off.do) == ("stuck", "powered off", "sb rpower n1 on")
    assert (lost.state, lost.cause) == ("stuck", "BMC dead") and lost.evidence[0].where == "its BMC, just now"
    assert service.status()
