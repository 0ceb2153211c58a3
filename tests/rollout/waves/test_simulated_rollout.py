"""Roll-outs to simulated nodes through the service: real datagrams to BMCs, boots that fetch and post, real jobs."""

from __future__ import annotations

import pytest
from simulatednodes import IMAGE, simulated_nodes
from waiting import until

from sbkernel.definitions.holds import hold
from sbkernel.errors import JobCancelledError, JobError, LockedError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.rollout.waves.planning import plan_rollout
from sbkernel.rollout.waves.report import report, reports
from sbkernel.rollout.waves.rollout import cancel, resume, rollout
from sbkernel.site import Site

CANDIDATE = f"{IMAGE}@candidate"


def test_a_wave_of_200_nodes_that_fails_takes_all_back(simsite: Site) -> None:
    nodes = simulated_nodes(simsite, 200)
    nodes.trait("whole", "sim0003", "sim0010", "sim0020")
    nodes.damage_new()
    job = rollout(simsite, CANDIDATE, "simulated", pace="none")
    assert job is not None
    with pytest.raises(JobError, match=r"went back: wave 2: \d of 20 failed \(5% may\): sim\S+ the root image"):
        job.wait(240)
    found = report(simsite)
    assert found.state == "went back" and found.progress.counts() == {"waiting": 179, "back": 21}, str(found)
    assert "its sha256 differs" in found.wrong[0].trouble and "sha256 differs" in str(found)
    assert nodes.boots() == {nodes.old} and nodes.assigned() == {IMAGE}
    assert set(nodes.sent()) == {*nodes.names[:21]} and set(nodes.sent().values()) == {2}
    assert len(found.df) == 200 and Catalog(simsite).pointers(IMAGE).current == nodes.old
    with pytest.raises(SbkernelError, match="is over: went back"):
        resume(simsite, found.id)


def test_held_nodes_and_dead_bmcs_and_a_second_run(simsite: Site) -> None:
    nodes = simulated_nodes(simsite, 12)
    nodes.trait("dead", "sim0005")
    hold(simsite.store, ["sim0003"], "waits for a DIMM")
    plan = plan_rollout(simsite, CANDIDATE, "simulated", "1,25%,rest")
    assert "left out: sim0003: held by" in str(plan) and [len(wave.nodes) for wave in plan.waves] == [1, 3, 7]
    job = rollout(simsite, CANDIDATE, "simulated", "1,25%,rest", "1", pace="none", promote=True)
    assert job is not None
    job.wait(120)
    found = report(simsite)
    assert found.state == "done" and found.progress.counts() == {"up": 10, "failed": 1}, str(found)
    assert "no answer from BMC" in found.wrong[0].why and "not promoted: not every node runs it" in found.why
    assert nodes.boots("sim0003") == {nodes.old} and nodes.boots("sim0001") == {nodes.new}
    assert nodes.assigned("sim0001") == {f"{IMAGE}@{nodes.new}"} and "sim0003" not in nodes.sent()
    nodes.trait("ok", "sim0005")
    again = rollout(simsite, CANDIDATE, "simulated", "rest", pace="none", promote=True)
    assert again is not None
    again.wait(120)
    assert report(simsite).progress.plan.nodes == ["sim0005"] and report(simsite).progress.is_good
    assert Catalog(simsite).pointers(IMAGE).current == nodes.new
    assert rollout(simsite, CANDIDATE, "simulated", "rest") is None and len(reports(simsite)) == 2


def test_killed_in_the_midst_of_a_wave_it_goes_on_and_nothing_is_sent_twice(simsite: Site) -> None:
    nodes = simulated_nodes(simsite, 10)
    job = rollout(simsite, CANDIDATE, "simulated", "2,rest", pace="1", promote=True)
    assert job is not None
    nodes.until("up", "booting", count=3)
    job.kill()
    until(lambda: job.done)
    assert report(simsite).state == "interrupted"
    with pytest.raises(LockedError, match=r"has sim0010"):
        rollout(simsite, CANDIDATE, "sim0010")
    resume(simsite).wait(120)
    assert report(simsite).progress.is_good, str(report(simsite))
    assert set(nodes.sent().values()) == {1} and len(nodes.sent()) == 10
    assert Catalog(simsite).current(IMAGE).digest == nodes.new and nodes.assigned() == {IMAGE}


@pytest.mark.parametrize("how", ["stay", "back"])
def test_cancelled_while_it_runs_and_a_second_one_is_refused(simsite: Site, how: str) -> None:
    nodes = simulated_nodes(simsite, 20)
    job = rollout(simsite, CANDIDATE, "simulated", "2,rest", pace="2")
    assert job is not None
    with pytest.raises(LockedError, match=r"the roll-out \d+T\d+-\S+ has sim\[0002-0004\]"):
        rollout(simsite, CANDIDATE, "sim0002-sim0004")
    nodes.until("up", count=4)
    assert cancel(simsite, report(simsite).id, how).id == job.id
    with pytest.raises(JobCancelledError if how == "stay" else JobError):
        job.wait(120)
    found, sent = report(simsite), nodes.sent()
    if how == "stay":
        assert found.state == "stopped" and nodes.boots() == {nodes.new} and set(sent.values()) == {1}
    else:
        assert found.state == "went back" and nodes.boots() == {nodes.old} and nodes.assigned() == {IMAGE}
        assert set(sent.values()) <= {1, 2} and found.progress.counts() == {"back": 20}, str(found)
    assert len(sent) < 20
    with pytest.raises(SbkernelError, match="is over"):
        cancel(simsite, found.id, how)


def test_a_killed_one_can_be_taken_back(simsite: Site) -> None:
    nodes = simulated_nodes(simsite, 6)
    job = rollout(simsite, CANDIDATE, "simulated", "2,rest", pace="1")
    assert job is not None
    nodes.until("up", count=2)
    job.kill()
    until(lambda: job.done)
    with pytest.raises(JobError, match="went back"):
        cancel(simsite, report(simsite).id, "back").wait(120)
    assert nodes.boots() == {nodes.old} and report(simsite).state == "went back"
