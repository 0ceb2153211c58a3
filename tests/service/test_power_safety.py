"""Power with care: holds, pace, canaries, abort, Ctrl-C, and the record of it; a real service and simulated BMCs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import pytest
from service_rig import Bmcs, Node
from waiting import until

from sbkernel.definitions.holds import hold
from sbkernel.errors import DefinitionError
from sbkernel.nodes.power import PowerChange
from sbkernel.nodes.results import NodeResult
from sbkernel.nodes.simulator import PretendMachine
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.service.power.history import CUT, PowerAction, lines, power_actions, power_history
from sbkernel.service.power.log import DONE
from sbkernel.service.power.safety import Failures, care_of, domain_of
from sbkernel.site import Site

CONTROL = (0x00, 0x02)
"""The IPMI command Chassis Control."""


def nodes_of(site: Site, bmcs: Bmcs, count: int, **attributes: str) -> list[Node]:
    """Add nodes without consoles, which would only take time."""
    return [bmcs.add(site, f"n{number}", cons="", **attributes) for number in range(1, count + 1)]


def by_node(results: list[NodeResult]) -> dict[str, NodeResult]:
    return {result.node: result for result in results}


def is_on(nodes: list[Node]) -> list[bool]:
    return [node.machine.power for node in nodes]


def last(site: Site) -> PowerAction:
    return power_actions(site)[-1]


def sb(site: Site, *words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.usefixtures("service")
def test_a_held_node_is_not_touched_unless_the_hold_is_crossed(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 2)
    hold(site.store, ["n1"], "waits for a new DIMM")
    results = by_node(verbs.rpower(site, "n1,n2", "on"))
    assert (results["n1"].ok, results["n2"].ok) == (False, True)
    assert results["n1"].text.endswith("waits for a new DIMM")
    assert "sb release" in str(results["n1"].hint)
    boot = by_node(verbs.rsetboot(site, "n1,n2", "net"))
    assert (boot["n1"].ok, boot["n2"].ok) == (False, True)
    assert is_on(nodes) == [False, True]
    assert nodes[0].machine.boot is None
    assert {result.text for result in verbs.rpower(site, "n1", "stat")} == {"off"}
    assert verbs.rsetboot(site, "n1", "stat")[0].ok
    assert last(site).crossed == ""
    assert [result.text for result in verbs.rpower(site, "n1", "on", override_hold=True)] == ["on"]
    assert (last(site).crossed, last(site).on["n1"].before, last(site).on["n1"].after) == ("n1", "off", "on")


@pytest.mark.usefixtures("service")
def test_the_count_to_confirm_is_that_of_the_nodes_that_are_touched(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 10)
    for node in nodes:
        node.machine.power = True
    hold(site.store, ["n3"], "benchmark")
    for confirm in (None, 10):
        with pytest.raises(DefinitionError, match=r"would stop 9 nodes .*; 1 more are held and stay"):
            verbs.rpower(site, "n1-n10", "off", confirm)
    results = by_node(verbs.rpower(site, "n1-n10", "off", 9))
    assert [name for name, result in results.items() if not result.ok] == ["n3"]
    assert is_on(nodes) == [name == "n3" for name in (node.name for node in nodes)]
    hold(site.store, ["n4"], "benchmark")
    said = sb(site, "rpower", "n1-n10", "on", "--abort", "none")
    assert said.communicate(timeout=60)[1].count("held by") == 2


@pytest.mark.usefixtures("service")
def test_nodes_start_at_the_pace_of_their_rack_and_those_that_run_cost_nothing(site: Site, bmcs: Bmcs) -> None:
    site.set("site", "clustersite", powerdomain="room")
    nodes = nodes_of(site, bmcs, 12, room="cellar")
    for node in nodes[:3]:
        node.machine.power = True
    notes: list[str] = []
    results = list(verbs.rpower_each(site, "n1-n12", "on", on_note=notes.append))
    assert {result.text for result in results} == {"on"}
    # 9 of 12 had to be started: 8 at once, one after a quarter of a second.
    assert [len(node.machine.controls) for node in nodes] == [0] * 3 + [1] * 9
    assert last(site).seconds is not None
    assert 0.2 <= last(site).seconds < 30
    assert notes == []
    site.set("site", "clustersite", syspowermaxnodes="6", syspowerinterval="1")
    assert len(list(verbs.rpower_each(site, "n1-n12", "reset", 12, on_note=notes.append))) == 12
    assert last(site).seconds is not None
    assert 1 <= last(site).seconds < 30


def test_the_expected_duration_is_said(site: Site, bmcs: Bmcs, service: Service) -> None:
    nodes_of(site, bmcs, 2)
    site.set("site", "clustersite", syspowermaxnodes="1", syspowerinterval="60")
    running = sb(site, "rpower", "n1,n2", "on")
    assert running.stderr is not None
    assert running.stderr.readline() == "up to 1 min 0 s for 2 nodes: 1 at once, then 1 every 60 s in all " \
        "(--rate changes that)\n"  # fmt: skip
    until(lambda: power_actions(site) and last(site).on["n1"].ok + last(site).on["n2"].ok == 1)
    assert last(site).state == "running"
    assert "to come" in next(lines(last(site)))
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out.endswith(": on\n")
    assert "Error: not sent: stopped by" in err
    assert "(1 node not touched)" in err
    assert last(site).state.startswith("stopped by")
    service.stop()
    assert last(site).state.startswith("stopped by")


def test_a_client_that_dies_and_a_service_that_ends_stop_what_was_not_sent(
    site: Site, bmcs: Bmcs, service: Service
) -> None:
    nodes = nodes_of(site, bmcs, 3)
    site.set("site", "clustersite", syspowermaxnodes="1", syspowerinterval="600")
    running = sb(site, "rpower", "n1-n3", "on")
    until(lambda: sum(is_on(nodes)) == 1)
    running.kill()
    running.communicate()
    until(lambda: last(site).state == "the command was given up")
    running = sb(site, "rpower", "n1-n3", "boot", "--rate", "0.01")
    until(lambda: power_actions(site)[-1].action == "boot" and sum(bool(node.machine.controls) for node in nodes) >= 1)
    until(lambda: any(what.ok for what in last(site).on.values()))
    service.stop()
    assert running.wait(60) == 1
    running.communicate()
    assert last(site).state == "the command was given up"
    assert sum(what.ok for what in last(site).on.values()) == 1
    assert sum(len(node.machine.controls) for node in nodes) == 2


def test_a_killed_service_leaves_what_it_had_sent(site: Site, bmcs: Bmcs, service: Service) -> None:
    nodes = nodes_of(site, bmcs, 2)
    nodes[0].bmc.faults.unanswered = frozenset({CONTROL})
    site.set("site", "clustersite", syspowermaxnodes="1", syspowerinterval="600")
    running = sb(site, "rpower", "n1", "on")
    until(lambda: power_actions(site) and last(site).on["n1"].sent)
    status = service.status()
    assert status is not None
    os.kill(status["pid"], signal.SIGKILL)
    assert running.wait(60) == 1
    running.communicate()
    assert last(site).state == CUT
    assert (last(site).on["n1"].sent, last(site).on["n1"].text) == (
        "on", "sent, and the service died before it had an answer",
    )  # fmt: skip
    # The next service goes on with the same file.
    assert verbs.rpower(site, "n2", "on", rate="none")[0].ok
    assert [action.state for action in power_actions(site)] == [CUT, DONE]
    assert [action.run for action in power_actions(site, "n1")] == [power_actions(site)[0].run]


@pytest.mark.usefixtures("service")
def test_a_canary_that_fails_keeps_the_others_from_being_touched(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 6)
    for node in nodes:
        node.machine.power = True
        node.machine.control = lambda _change: None  # type: ignore[method-assign]
    results = verbs.rpower(site, "n1-n6", "off", canary=1, within=1)
    assert sum(result.untouched for result in results) == 5
    assert sum(node.bmc.state.arrived[CONTROL] for node in nodes) == 1
    assert last(site).state.startswith("canary n")
    assert "off was sent, and it is still on after 1 s" in last(site).state


@pytest.mark.usefixtures("service")
def test_the_others_follow_when_the_canaries_are_well(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 4)
    running = sb(site, "rpower", "n1-n4", "on", "--canary", "2", "--until", "kernel", "--within", "100")
    until(lambda: sum(is_on(nodes)) == 2)
    first = [node.name for node in nodes if node.machine.power]
    for name in first:
        until(lambda name=name: (site.log / "boot" / f"{name}.jsonl").exists())
        verbs.bootlog.append(site, name, "kernel")
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")
    assert sorted(out.splitlines()) == [f"n{number}: on" for number in (1, 2, 3, 4)]
    assert is_on(nodes) == [True] * 4


@pytest.mark.usefixtures("service")
def test_a_canary_whose_boot_fails(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 3)
    running = sb(site, "rpower", "n1-n3", "boot", "--canary", "1", "--until", "booted")
    until(lambda: sum(is_on(nodes)) == 1)
    name = next(node.name for node in nodes if node.machine.power)
    until(lambda: (site.log / "boot" / f"{name}.jsonl").exists())
    verbs.bootlog.append(site, name, "failed", reason="wrong checksum")
    _out, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert f"{name}: " in err
    assert "boot failed: wrong checksum" in err
    assert "(2 nodes not touched)" in err
    assert sum(is_on(nodes)) == 1


@pytest.mark.usefixtures("service")
def test_too_many_failures_stop_the_rest(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 8)
    for node in nodes:
        node.bmc.faults.refused = frozenset({CONTROL})
    results = verbs.rpower(site, "n1-n8", "on", abort="0%", rate=0.05)
    assert sum(result.untouched for result in results) == 7
    assert last(site).state == "1 of the last 1 nodes failed (--abort 0%)"


@pytest.mark.usefixtures("service")
def test_many_nodes_that_cannot_be_asked_stop_the_rest(site: Site, bmcs: Bmcs) -> None:
    nodes_of(site, bmcs, 4, bmcpassword="wrong")
    bmcs.add(site, "n5", cons="")
    results = by_node(verbs.rpower(site, "n1-n5", "on", abort="50%"))
    assert "could not be asked (--abort 50%)" in last(site).state
    assert sum("wrong password" in result.text for result in results.values()) >= 3


BOOT_OPTIONS = (0x00, 0x08)
"""The IPMI command Set System Boot Options."""


@pytest.mark.usefixtures("service")
def test_boot_devices_are_set_with_the_same_care(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 6)
    nodes[5].machine.power = True
    done = sb(site, "rsetboot", "n1-n6", "net", "--canary", "2").communicate(timeout=60)
    assert sorted(done[0].splitlines()) == [f"n{number}: Network" for number in range(1, 7)] and done[1] == ""
    assert is_on(nodes) == [False] * 5 + [True], "it is about the next boot alone"
    action = last(site)
    assert (action.verb, action.action, action.options, action.state) == ("rsetboot", "net", {"canary": 2}, DONE)
    assert {(what.before, what.sent, what.after) for what in action.on.values()} == {
        ("boot override inactive", "net", "Network")
    }
    for node in nodes:
        node.bmc.faults.refused = frozenset({BOOT_OPTIONS})
    results = verbs.rsetboot(site, "n1-n6", "hd", canary=1)
    assert sum(result.untouched for result in results) == 5 and last(site).state.startswith("canary n")
    results = verbs.rsetboot(site, "n1-n6", "hd", abort="0%")
    assert last(site).state.endswith("nodes failed (--abort 0%)") and not any(result.ok for result in results)
    assert "-> sent hd: " in "\n".join(lines(last(site), is_long=True))
    with pytest.raises(DefinitionError, match="until is about canaries that are started"):
        verbs.rsetboot(site, "n1", "hd", canary=1, until="booted")


class Forgetful(PretendMachine):
    """A machine whose BMC accepts a boot device and does not keep it."""

    @property
    def boot(self) -> None:  # type: ignore[override]
        return None

    @boot.setter
    def boot(self, _device: object) -> None:
        pass


@pytest.mark.usefixtures("service")
def test_a_canary_that_forgets_what_was_set_keeps_the_others_as_they_are(site: Site, bmcs: Bmcs) -> None:
    nodes = nodes_of(site, bmcs, 3)
    for node in nodes:
        node.machine.__class__ = Forgetful
    results = verbs.rsetboot(site, "n1-n3", "net", canary=1)
    assert sum(result.untouched for result in results) == 2
    assert last(site).state.endswith("net was set, and it says: boot override inactive")


@pytest.mark.usefixtures("service")
def test_boot_devices_of_nodes_that_cannot_be_asked(site: Site, bmcs: Bmcs) -> None:
    nodes_of(site, bmcs, 3, bmcpassword="wrong")
    assert not any(result.ok for result in verbs.rsetboot(site, "n1-n3", "net", abort="50%"))
    assert "could not be asked (--abort 50%)" in last(site).state
    assert {what.sent for what in last(site).on.values()} == {""}, "nothing is recorded as sent that was not"


def test_failures_are_counted_among_those_sent_last() -> None:
    failures = Failures(0.1, 1000)
    for number in range(100):
        failures.sent(f"n{number}")
    assert [failures.failed(f"n{number}") for number in range(50)] == [None] * 50
    assert [failures.failed(f"n{number}") for number in range(50, 55)] == [None] * 5
    assert failures.failed("n55") == "6 of the last 50 nodes failed (--abort 10%)"
    assert [Failures(None, 10).silent() for _ in range(10)] == [None] * 10


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"rate": "fast"}, "rate is fast"),
        ({"rate": "0"}, "rate is 0"),
        ({"canary": -1}, "canary is -1"),
        ({"abort": "many"}, "is no share"),
        ({"abort": "101%"}, "is no share"),
        ({"until": "moon", "canary": 1}, "no node boots until 'moon'"),
        ({"until": "booted"}, "until is about canaries"),
        ({"until": "booted", "canary": 1, "action": "off"}, "until is about canaries"),
        ({"within": "nan"}, "within is nan"),
    ],
)
def test_odd_care_is_refused(request_: dict[str, object], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        care_of({"action": "on", **request_}, {}, 10)


def test_abort_is_on_for_many_nodes() -> None:
    assert [care_of({"action": "on"}, {}, count).abort for count in (50, 51)] == [None, 0.1]
    assert care_of({"action": "on", "abort": "none"}, {}, 1000).abort is None


def test_what_feeds_a_node(site: Site) -> None:
    site.set("node", "n1", groups="all", rack="r7", pdu="pduB:3,pduA:12")
    node = site.nodes["n1"]
    assert [domain_of(node, attribute) for attribute in ("rack", "pdu", "chassis")] == ["r7", "pduA,pduB", ""]


@pytest.mark.usefixtures("service")
def test_the_record_says_who_did_what_and_holds_no_secret(site: Site, bmcs: Bmcs) -> None:
    nodes_of(site, bmcs, 3, bmcpassword="s3cret-of-bmc")
    site.set("group", "rack1", members="n1,n2")
    done = sb(site, "rpower", "rack1", "on")
    done.communicate(timeout=60)
    verbs.rsetboot(site, ["n3"], "net", persistent=True)
    verbs.rpower(site, "n3", "off")
    verbs.rpower(site, "n3", "stat")
    first, second, third = power_actions(site)
    assert (first.noderange, first.nodes, first.verb, first.action) == ("rack1", "n[1-2]", "rpower", "on")
    assert (first.origin, second.origin) == ("command line", "Python")
    assert (second.verb, second.options, second.on["n3"].text) == ("rsetboot", {"persistent": True}, "Network")
    assert (third.on["n3"].before, third.on["n3"].sent) == ("off", "")
    assert [action.run for action in power_actions(site, "n1")] == [first.run]
    assert [action.run for action in power_actions(site, last=1)] == [third.run]
    file = next((site.log / "power").iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "s3cret" not in file.read_text()
    listed = sb(site, "history", "--power", "-l", "n1").communicate(timeout=60)[0].splitlines()
    assert len(listed) == 2
    assert "rpower rack1 on: 2 nodes: 2 ok" in listed[0]
    assert listed[1] == "    n[1-2]  off -> sent on -> on: on"
    frame = power_history(site)
    assert list(frame["node"]) == ["n1", "n2", "n3", "n3"]
    assert list(frame[frame["verb"] == "rpower"]["sent"]) == ["on", "on", ""]


@pytest.mark.usefixtures("service")
def test_a_record_that_cannot_be_written_is_told_and_stops_nothing(site: Site, bmcs: Bmcs) -> None:
    bmcs.add(site, "n1", cons="")
    (site.log / "power").write_text("in the way")
    notes: list[str] = []
    assert [result.text for result in verbs.rpower_each(site, "n1", "on", on_note=notes.append)] == ["on"]
    assert len(notes) == 1
    assert notes[0].startswith("this is not in the power log: ")


def test_lines_that_cannot_be_read_are_left_out(site: Site) -> None:
    folder = site.log / "power"
    folder.mkdir()
    begin = '{"run":"1","t":1,"begin":{"user":"jane","verb":"rpower","action":"on","nodes":"n[1-2]"}}'
    end = '{"run":"2","t":3,"end":"x"}'
    (folder / "2026-01.jsonl").write_text(f'{begin}\n{{"run":"1","t":2,"no\nnull\n7\n\n{end}\n')
    (only,) = power_actions(site)
    assert (only.user, only.state, list(only.on)) == ("jane", CUT, ["n1", "n2"])


def test_softoff_says_nothing_of_the_power_after(site: Site, bmcs: Bmcs, service: Service) -> None:
    node = bmcs.add(site, "n1", cons="")
    node.machine.power = True
    assert verbs.rpower(site, "n1", "softoff")[0].text == "softoff"
    assert node.machine.controls == [PowerChange.SOFT_OFF]
    assert (last(site).on["n1"].before, last(site).on["n1"].after) == ("on", "")
    assert service.status() is not None
