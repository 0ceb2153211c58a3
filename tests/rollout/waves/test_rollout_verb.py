"""sb rollout without a node that boots: plans, refusals, what is on disk, what is kept for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fakenodes import NEW, World, in_memory, plan_of, run_through
from smallimage import publish, versions
from testbootverdicts import judge

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import LockedError, NotFoundError, SbkernelError
from sbkernel.netboot import bootfiles
from sbkernel.netboot.nodeset import nodeset
from sbkernel.rollout.versions.gc import gc
from sbkernel.rollout.waves.journal import Journal, Rollout, find, folder, make, unfinished
from sbkernel.rollout.waves.plan import RolloutPlan
from sbkernel.rollout.waves.planning import plan_rollout
from sbkernel.rollout.waves.report import report
from sbkernel.rollout.waves.rollout import start
from sbkernel.rollout.waves.sitehands import SiteHands
from sbkernel.site import Site

IMAGE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def candidate(site: Site) -> str:
    """An old version that all nodes boot, and a candidate; the digest of that."""
    publish(site, b"old", IMAGE)
    nodeset(site, "n1-n3", f"osimage={IMAGE}")
    return publish(site, b"new", IMAGE, gated=True).digest


def sb(site: Site, *words: str) -> Result:
    return CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), "rollout", *words])


def test_a_plan_says_what_would_be_done_and_does_nothing(site: Site, candidate: str) -> None:
    nodeset(site, "n3", "boot")
    shown = sb(site, f"{IMAGE}@candidate", "n1-n3", "--waves", "1,rest", "--dry-run")
    assert shown.exit_code == 0, shown.output
    old = bootfiles.version(site.boot, "n1")
    assert shown.stdout.splitlines() == [
        f"{IMAGE}@{candidate[:8]} to 3 nodes in 2 waves; 5% of a wave may fail",
        "  wave 1  1          1 node  n1",
        "  wave 2  rest      2 nodes  n[2-3]",
        f"  now: {IMAGE}@{old[:8]} on 2 nodes, the local disk on 1 node",
        "  each is set and booted, at the pace of the site; a boot may take 15 min 0 s",
    ]
    planned = json.loads(sb(site, f"{IMAGE}@candidate", "n1-n3", "--dry-run", "--json").stdout)
    assert RolloutPlan.from_dict(planned) == plan_rollout(site, f"{IMAGE}@candidate", "n1-n3")
    assert not list(unfinished(site)) and bootfiles.version(site.boot, "n1") == old


@pytest.mark.usefixtures("candidate")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing@candidate", "n1"), "No packed image for nothing"),
        ((f"{IMAGE}@0000", "n1"), "has no version 0000"),
        ((f"{IMAGE}@candidate", "n9"), "n9"),
        ((f"{IMAGE}@candidate", "n1", "--waves", "1,nowhere,rest"), "nowhere"),
        ((f"{IMAGE}@candidate", "n1-n3", "--waves", "1,by=colour,rest"), "colour"),
        ((f"{IMAGE}@candidate", "n1", "--budget", "many"), "'many' is no failure budget"),
        ((f"{IMAGE}@candidate", "n1", "--pace", "fast"), "'fast' is no pace"),
        ((f"{IMAGE}@candidate", "n1", "--timeout", "0s"), "timeout is 0 s"),
        ((f"{IMAGE}@candidate", "n1", "--how", "scheduler"), "needs a program to ask"),
        (("--show", "x"), "no roll-out x"),
        (("--resume", "../.."), r"no roll-out ../.."),
        (("--cancel", "x"), "what becomes of its nodes?"),
        ((f"{IMAGE}@candidate",), "to which nodes?"),
    ],
)
def test_what_is_refused(site: Site, words: tuple[str, ...], said: str) -> None:
    done = sb(site, *words)
    assert done.exit_code != 0 and said in f"{done.output}{done.exception}"
    assert not list(unfinished(site))


def test_a_gate_lets_only_tested_versions_through(site: Site, candidate: str) -> None:
    site.set("osimage", IMAGE, gate="testboot")
    refused = sb(site, f"{IMAGE}@candidate", "n1", "--dry-run")
    assert refused.exit_code == 1 and f"{candidate[:8]} may not become current" in str(refused.exception)
    assert sb(site, f"{IMAGE}@candidate", "n1", "--dry-run", "--untested", "no virtual nodes").exit_code == 0
    judge(site, IMAGE, candidate, ok=True)
    assert sb(site, f"{IMAGE}@candidate", "n1", "--dry-run").exit_code == 0


def test_all_that_it_needs_is_kept_until_it_has_ended(site: Site, candidate: str) -> None:
    old = bootfiles.version(site.boot, "n1")
    versions(site, IMAGE, "abc")
    made = make(site, plan_rollout(site, f"{IMAGE}@{candidate[:8]}", "n1-n3"), "me")
    nodeset(site, "n1-n3", "offline")
    kept = {item.name: item.why for item in gc(site, keep=0, older_than="0d", dry_run=True).items}
    assert all(f"roll-out {made.id}" in kept[f"{IMAGE}@{one[:8]}"] for one in (old, candidate))
    with pytest.raises(LockedError, match=rf"the roll-out {made.id} has n2\n.*--resume {made.id}"):
        start(site, plan_rollout(site, f"{IMAGE}@{candidate[:8]}", "n2"))
    Journal(made).event(end="stopped", why="")
    assert not any("roll-out" in str(item.why) for item in gc(site, keep=0, older_than="0d", dry_run=True).items)
    assert made.id in sb(site, "--list").stdout and json.loads(sb(site, "--list", "--json").stdout)[0]["id"] == made.id


def test_nodes_get_back_exactly_what_they_had(site: Site, candidate: str) -> None:
    old = bootfiles.version(site.boot, "n1")
    nodeset(site, "n2", f"osimage={IMAGE}@{old}")
    nodeset(site, "n3", "boot")
    before = {path: path.read_bytes() for path in sorted((site.boot / "nodes").iterdir())}
    assigned = {node: site.nodes[node].peek("provmethod") for node in site.nodes}
    plan = plan_rollout(site, f"{IMAGE}@candidate", "n1-n3")
    hands = SiteHands(site, make(site, plan, "me"), plan)
    assert hands.put(["n1", "n2", "n3"]) == {} and bootfiles.version(site.boot, "n3") == candidate
    site.delete("node", "n2")
    assert hands.set_back(["n1", "n2", "n3"]) == {"n2": "it is no longer defined"}
    after = {path: path.read_bytes() for path in sorted((site.boot / "nodes").iterdir())}
    assert {path.name for path in after if after[path] != before.get(path)} <= {"n1.ipxe", "n2.ipxe"}
    assert bootfiles.version(site.boot, "n1") == old and bootfiles.state(site.boot, "n3") == "boot"
    assert {node: site.nodes[node].peek("provmethod") for node in ("n1", "n3")} == {"n1": IMAGE, "n3": assigned["n3"]}


def test_half_a_line_counts_for_nothing(tmp_path: Path) -> None:
    rollout = in_memory(tmp_path, plan_of([2]))
    (tmp_path / "events.jsonl").write_text('{"t":1,"nodes":["n1"],"word":"set","why":""}\n{"t":2,"nodes":["n2"],"wo')
    found = run_through(rollout, World({"n1": "well", "n2": "well"}, boots={"n1": NEW}))
    assert found.is_good


def test_finding_one(site: Site) -> None:
    with pytest.raises(NotFoundError, match="no roll-out"):
        find(site)
    for name in ("20260101T000000000-a", "20260101T000000000-ab", "junk"):
        (folder(site) / name).mkdir()
        (folder(site) / name / "plan.json").write_text(
            '{"t":1,"by":"me","plan":' + json.dumps(plan_of([1]).as_dict()) + "}"
        )
    assert find(site).id == "20260101T000000000-ab" and find(site, "20260101T000000000-a").id.endswith("-a")
    with pytest.raises(NotFoundError, match="2 roll-outs begin with '2026'"):
        find(site, "2026")
    assert report(site).state == "interrupted" and report(site).as_dict()["digest"] == NEW
    (folder(site) / "20260101T000000000-a" / "plan.json").write_text("{")
    with pytest.raises(SbkernelError, match=r"plan.json cannot be read"):
        Rollout("x", folder(site) / "20260101T000000000-a").plan()
