"""The checks on a node that runs, which is a real sshd with a small root; scripts of the site, and what is planned."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fleet import Fleet, fleet, sb
from rolloutsite import IMAGE
from smallimage import publish

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.jobs.report import NullReport
from sbkernel.netboot import bootlog
from sbkernel.nodes.ssh import reaching
from sbkernel.rollout.testboot.scripts import run_scripts, scripts_of
from sbkernel.rollout.testboot.testboot import TestbootPlan, examine, memory_for, plan_testboot, until_up
from sbkernel.site import Site


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    place = tmp_path_factory.mktemp("node")
    with Site.open(place / "a site") as site, fleet(site, place / "fleet", size=1) as running:
        yield running


@pytest.fixture
def scripts(node: Fleet) -> Iterator[Path]:
    directory = node.site.installdir / "custom" / "testboot"
    directory.mkdir(parents=True)
    yield directory
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()


def planned(site: Site, **options: object) -> TestbootPlan:
    publish(site, b"root", IMAGE)
    return plan_testboot(site, IMAGE, **options)  # type: ignore[arg-type]


def booted(node: Fleet, digest: str) -> list[bootlog.BootEvent]:
    """Let the node have booted a version; its key is that of the sshd."""
    site = node.site
    key = next(event["hostkey"] for event in bootlog.read(site, "n1", since_power_on=False) if "hostkey" in event)
    bootlog.append(site, "n1", "power-on", 100.0)
    bootlog.append(site, "n1", "fetched", 110.0, bytes=5)
    bootlog.append(site, "n1", "userspace", 130.0, image=digest, hostkey=key, memory_used=100)
    bootlog.append(site, "n1", "login", 131.0)
    return until_up(site, "n1", 60, NullReport())


def test_one_boot_is_good_or_bad_by_what_is_asked_of_it(node: Fleet, scripts: Path) -> None:
    (scripts / "10-own.sh").write_text('#!/bin/sh\necho "$NODE $IMAGE $DIGEST"; pwd; cat\n')
    plan = planned(node.site)
    events = booted(node, plan.version.digest)
    checks, took = examine(node.site, "n1", plan, events)
    assert [one.name for one in checks if not one.ok] == [], checks
    assert [one.name for one in checks] == [
        "boot",
        "version",
        "started",
        "units",
        "10-own.sh",
        "time",
        "bytes",
        "memory",
    ]
    assert checks[4].output == (f"n1 {IMAGE} {plan.version.digest}", "/")
    assert (took.time, took.bytes, took.memory) == (31.0, 5 + 2, 100), "kernel and initrd are of a byte each"
    (scripts / "20-bad name; exit 0.sh").write_text("#!/bin/sh\necho out; echo err >&2; exit 3\n")
    bad = plan_testboot(node.site, IMAGE, budget="time=30s")
    checks, _ = examine(node.site, "n1", bad, events)
    failed = {one.name: one for one in checks if not one.ok}
    assert set(failed) == {"20-bad name; exit 0.sh", "time"}
    script = failed["20-bad name; exit 0.sh"]
    assert script.said.startswith("exit status 3, ") and script.output == ("out", "err")
    assert list((node.root / "tmp").iterdir()) == [], "nothing is left on the node"


def test_a_script_has_its_time_and_room_for_the_end_of_its_output(node: Fleet, tmp_path: Path) -> None:
    (tmp_path / "slow.sh").write_text("#!/bin/sh\necho begun; sleep 600\n")
    (tmp_path / "much.sh").write_text("#!/bin/sh\nyes | head -c 3000000; printf '\\033[2Jend'\n")
    (tmp_path / "none.sh").write_text("#!/no/such/shell\n")
    booted(node, "a" * 64)
    with reaching(node.site, "n1") as way:
        files = [tmp_path / name for name in ("slow.sh", "much.sh", "none.sh")]
        slow, much, none = run_scripts(way, files, {}, limit_s=3)
    assert (slow.ok, slow.said, slow.output) == (False, "not done after 3.0 s, and ended", ("begun",))
    assert much.ok and len(much.output) == 10 and much.output[-1] == "\ufffd[2Jend"
    assert not none.ok and none.said.startswith("exit status 12")


def test_a_node_that_cannot_be_reached_fails_and_no_script_is_tried(node: Fleet, scripts: Path) -> None:
    (scripts / "own.sh").write_text("#!/bin/sh\n")
    plan = planned(node.site)
    events = booted(node, plan.version.digest)
    port = node.site.nodes["n1"].get("vmsshport")
    node.site.set("node", "n1", vmsshport="1")
    try:
        checks, _ = examine(node.site, "n1", plan, events)
    finally:
        node.site.set("node", "n1", vmsshport=port)
    assert {one.name for one in checks if not one.ok} == {"started"}
    assert "no ssh: " in next(one for one in checks if not one.ok).said
    assert "own.sh" not in {one.name for one in checks}


def test_a_boot_that_failed_is_not_looked_at_over_ssh(node: Fleet) -> None:
    plan = planned(node.site)
    booted(node, plan.version.digest)
    bootlog.append(node.site, "n1", "failed", reason="postscript own: exit status 3")
    events = until_up(node.site, "n1", 60, NullReport())
    checks, _ = examine(node.site, "n1", plan, events)
    assert [(one.name, one.ok) for one in checks] == [("boot", False), ("version", True)]
    assert until_up(node.site, "n1", 0, NullReport()) == events, "and nobody waits for more"


def test_scripts_are_those_of_the_image_or_else_of_the_site(site: Site, tmp_path: Path) -> None:
    assert scripts_of(site, "") == []
    own = site.installdir / "custom" / "testboot"
    (own / "sub.sh").mkdir(parents=True)
    for name in ("b.sh", "a.sh", "README", ".hidden.sh"):
        (own / name).write_text("")
    assert [path.name for path in scripts_of(site, "")] == ["a.sh", "b.sh"]
    (tmp_path / "one").write_text("")
    assert [path.name for path in scripts_of(site, f"{tmp_path}/one,{own}")] == ["one", "a.sh", "b.sh"]
    with pytest.raises(NotFoundError, match="testbootscripts names /nowhere, and it is not there"):
        scripts_of(site, "/nowhere")
    (tmp_path / "one").write_bytes(b"x" * (1 << 20 | 1))
    with pytest.raises(DefinitionError, match="larger than 1 MiB"):
        scripts_of(site, str(tmp_path / "one"))


def test_a_plan_says_what_will_be_checked_and_changes_nothing(site: Site) -> None:
    plan = planned(site)
    before = site.store.revision()
    status, out, _ = sb(site, "testboot", IMAGE, "--dry-run", "--promote", "--budget", "time=3min")
    assert status == 0 and site.store.revision() == before
    assert f"{IMAGE}@{plan.version.digest[:8]} boots on a virtual node with 1024 MB" in out
    assert "  time     at most 3 min 0 s" in out and "no script of the site" in out and "becomes the version" in out
    said = json.loads(sb(site, "testboot", IMAGE, "--dry-run", "--json")[1])
    assert said["digest"] == plan.version.digest and said["limits"]["bytes"].startswith("at most 25 % over")
    large = replace(plan.version, data={**plan.version.data, "unpacked": 3 << 30})
    assert memory_for(large) == 3 * 1024 + 1024, "room for the unpacked root and for what runs"


def test_what_cannot_be_tested_is_told_before_anything_boots(site: Site) -> None:
    planned(site)
    with pytest.raises(NotFoundError):
        plan_testboot(site, f"{IMAGE}@previous")
    with pytest.raises(NotFoundError):
        plan_testboot(site, "no-such-image")
    with pytest.raises(DefinitionError, match="cannot be waited for 5 s"):
        plan_testboot(site, IMAGE, timeout_s=5)
    site.set("osimage", IMAGE, testbootscripts="/nowhere", testbootbudget="time=1h")
    with pytest.raises(NotFoundError, match="testbootscripts names"):
        plan_testboot(site, IMAGE)
    site.set("osimage", IMAGE, testbootscripts="")
    site.change("site", {"clustersite": {"nodestatus": "n"}})
    with pytest.raises(DefinitionError, match="do not report"):
        plan_testboot(site, IMAGE)
