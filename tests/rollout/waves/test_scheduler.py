"""Nodes are asked of a scheduler: our hook for Slurm with a real Slurm whose nodes are daemons on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulatednodes import IMAGE, simulated_nodes
from smallslurm import Slurm, small_slurm

from sbkernel.errors import CommandError, DefinitionError
from sbkernel.rollout.waves.report import report
from sbkernel.rollout.waves.rollout import rollout
from sbkernel.rollout.waves.scheduler import Scheduler, check
from sbkernel.site import Site

NAMES = ["sim0001", "sim0002", "sim0003"]
OURS, THEIRS = "IDLE+DRAIN sbkernel roll-out one", "IDLE+DRAIN bad DIMM"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """A small Slurm; somebody has drained sim0003."""
    with small_slurm(tmp_path / "slurm", NAMES) as running:
        monkeypatch.setenv("SLURM_CONF", str(running.place / "slurm.conf"))
        running("scontrol", "update", "nodename=sim0003", "state=drain", "reason=bad DIMM")
        yield running


def test_the_hook_and_a_roll_out_that_asks_it(slurm: Slurm, simsite: Site) -> None:
    hook = Scheduler(check("slurm"), "sbkernel roll-out one")
    slurm.allocate("sim0002")
    for _ in range(2):
        hook.drain(NAMES)
        assert [slurm.state(name) for name in NAMES] == [OURS, OURS.replace("IDLE", "ALLOCATED"), THEIRS]
        assert hook.drained(NAMES) == {"sim0001", "sim0003"}
    for _ in range(2):
        hook.resume(NAMES)
        assert [slurm.state(name) for name in NAMES] == ["IDLE", "ALLOCATED", THEIRS]
    with pytest.raises(CommandError, match="nobody"):
        hook.drain(["nobody"])
    _roll_out(simsite, slurm)


def _roll_out(site: Site, slurm: Slurm) -> None:
    nodes = simulated_nodes(site, 3)
    job = rollout(site, f"{IMAGE}@candidate", "simulated", "1,rest", how="scheduler", scheduler="slurm", pace="none")
    assert job is not None
    nodes.until("draining")
    nodes.until("up", count=2)
    assert report(site).progress.nodes["sim0002"].word == "draining" and "sim0002" not in nodes.sent()
    assert slurm.state("sim0002") == f"ALLOCATED+DRAIN sbkernel roll-out {report(site).id}"
    slurm.release("sim0002")
    job.wait(120)
    assert report(site).progress.is_good, str(report(site))
    assert nodes.boots() == {nodes.new} and set(nodes.sent().values()) == {1}
    assert [slurm.state(name) for name in NAMES] == ["IDLE", "IDLE", THEIRS]


@pytest.mark.parametrize("program", ["", "/etc/passwd", "nothing", "../slurm"])
def test_what_is_no_program(program: str) -> None:
    with pytest.raises(DefinitionError, match="is no program" if program else "needs a program to ask"):
        check(program)
