"""A service that is killed while it sends the boots of a wave: interrupted, and gone on with; no command goes twice."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from fleet import sb
from simulatednodes import IMAGE, simulated_nodes
from waiting import until

from sbkernel.errors import JobError
from sbkernel.rollout.waves.report import report
from sbkernel.rollout.waves.rollout import resume, rollout
from sbkernel.service import verbs
from sbkernel.service.endpoint import Endpoint, holder
from sbkernel.service.power.history import power_actions
from sbkernel.site import Site


def kill_service(site: Site) -> None:
    """Kill the service as the kernel does that has no memory left, and wait until it is gone."""
    pid = holder(Endpoint(site.run).lock)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: holder(Endpoint(site.run).lock) is None)


def sent(site: Site, rollout_id: str) -> Counter[str]:
    """Return how often the roll-out has sent something to each node, whatever answer there was."""
    actions = [one for one in power_actions(site) if one.origin == f"roll-out {rollout_id}"]
    return Counter(node for one in actions for node, what in one.on.items() if what.sent)


def test_it_is_interrupted_at_once_and_goes_on_without_sending_anything_twice(simsite: Site) -> None:
    nodes = simulated_nodes(simsite, 10)
    job = rollout(simsite, f"{IMAGE}@candidate", "simulated", "2,rest", pace="1", promote=True)
    assert job is not None
    name = report(simsite).id
    until(lambda: len(sent(simsite, name)) >= 3)
    kill_service(simsite)
    with pytest.raises(JobError, match="the service went away"):
        job.wait(120)
    found, before = report(simsite), sent(simsite, name)
    assert found.state == "interrupted" and 3 <= len(before) < 10, str(found)
    status, out, _ = sb(simsite, "rollout", "--show", name)
    assert status == 0 and "interrupted" in out and f"sb rollout --resume {name}" in out

    again = resume(simsite, name)
    now = nodes.until("up", count=9).progress
    # It was killed between sending and the answer: nobody knows whether that node boots. So it gets nothing more from
    # the roll-out, which waits for its boot; somebody goes there and presses the button.
    if unsure := [one.node for one in now.nodes.values() if one.word == "booting"]:
        assert unsure[0] in before and now.nodes[unsure[0]].why == "its boot had been sent"
        verbs.rpower(simsite, unsure, "boot")
    again.wait(120)
    assert report(simsite).progress.is_good and report(simsite).state == "done", str(report(simsite))
    assert sent(simsite, name) == Counter(nodes.names)
    assert nodes.boots() == {nodes.new} and nodes.assigned() == {IMAGE}
