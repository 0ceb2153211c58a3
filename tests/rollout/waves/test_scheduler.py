"""Nodes are asked of a scheduler: our hook for Slurm on a small scontrol that keeps nodes in a file.

No cluster of Slurm runs here: what scontrol prints is that of Slurm 22.05 (scontrol(1)), as far as the hook reads it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulatednodes import IMAGE, Nodes, simulated_nodes

from sbkernel.errors import CommandError, DefinitionError
from sbkernel.rollout.waves.report import report
from sbkernel.rollout.waves.rollout import rollout
from sbkernel.rollout.waves.scheduler import Scheduler, check
from sbkernel.service.client import Service
from sbkernel.site import Site

NAMES = [f"sim000{number}" for number in range(1, 6)]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the nodes of a small Slurm: sim0002 is busy, and somebody else has drained sim0004."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/scontrol").symlink_to(Path(__file__).with_name("scontrol"))
    nodes = {name: {"state": "", "reason": "", "job": 0, "log": []} for name in NAMES}
    nodes["sim0002"]["job"] = 3
    nodes["sim0004"] |= {"state": "DRAIN", "reason": "bad DIMM"}
    file = tmp_path / "slurm.json"
    file.write_text(json.dumps(nodes))
    monkeypatch.setenv("SCONTROL_STATE", str(file))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return file


def nodes_of(slurm: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(slurm.read_text())
    return found


def test_the_hook_for_slurm(slurm: Path) -> None:
    hook = Scheduler(check("slurm"), "sbkernel roll-out one")
    hook.drain(NAMES)
    hook.drain(NAMES)
    assert {name: node["log"] for name, node in nodes_of(slurm).items()} == {
        name: [] if name == "sim0004" else ["drain"] for name in NAMES
    }
    assert hook.drained(NAMES) == {*NAMES} - {"sim0002"}
    assert hook.drained(["sim0002"]) == {"sim0002"}
    hook.resume(NAMES)
    hook.resume(NAMES)
    assert nodes_of(slurm)["sim0004"] == {"state": "DRAIN", "reason": "bad DIMM", "job": 0, "log": []}
    assert nodes_of(slurm)["sim0001"]["log"] == ["drain", "resume"]


def test_what_the_scheduler_says_against_it_is_said(slurm: Path) -> None:
    with pytest.raises(CommandError, match="Node nobody not found"):
        Scheduler(check("slurm"), "x").drain(["nobody"])
    with pytest.raises(DefinitionError, match="is no program that can be run"):
        check(str(slurm))
    with pytest.raises(DefinitionError, match="needs a program to ask"):
        check("")


@pytest.fixture
def simsite(tmp_path: Path, slurm: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site
        Service(site).stop()


def test_a_rollout_asks_for_nodes_and_gives_them_back(simsite: Site, slurm: Path) -> None:
    nodes: Nodes = simulated_nodes(simsite, 5)
    job = rollout(
        simsite, f"{IMAGE}@candidate", "simulated", "1,rest", how="scheduler", scheduler="slurm", pace="none"
    )  # fmt: skip
    assert job is not None
    job.wait(120)
    assert report(simsite).progress.is_good, str(report(simsite))
    assert nodes.boots() == {nodes.new} and set(nodes.sent().values()) == {1}
    logs = {name: node["log"] for name, node in nodes_of(slurm).items()}
    assert logs == {name: [] if name == "sim0004" else ["drain", "resume"] for name in NAMES}
