"""update: from a mirror that has something new to the version that nodes boot; whatever fails, they boot what they did.

Builds and packs are real, of a small image. Test boots are only judged here: whole ones are in test_testboot_run.py
and in e2e.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from debs import archive, index, make_deb
from fleet import sb
from smallbuild import Small, small
from testbootverdicts import judge

from sbkernel.errors import DefinitionError, JobError, NotFoundError, PolicyError, SbkernelError
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import Pointers
from sbkernel.images.packimage import packimage
from sbkernel.jobs import job as jobs
from sbkernel.records.run import run_notebook
from sbkernel.rollout.testboot import testboot as test
from sbkernel.rollout.update import plan_update, update
from sbkernel.rollout.versions.promote import promote, rollback
from sbkernel.site import Site

__all__ = ["small"]
IMAGE = "small"
TARGET = "sbkernel.rollout.update:update"


class Judge:
    """Test boots that end as they are told to."""

    def __init__(self) -> None:
        self.good = True
        self.asked: list[str] = []

    def __call__(self, site: Site, image: str, **_options: Any) -> dict[str, Any]:
        self.asked.append(image)
        digest = image.partition("@")[2]
        if not judge(site, IMAGE, digest, self.good).passed:
            raise test.TestbootError(f"{image} has failed its test boot: units")
        return {}


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch) -> Judge:
    judged = Judge()
    monkeypatch.setattr(test, "testboot", judged)
    return judged


def release(small: Small, version: str, **fields: str) -> None:
    """Put a new version of a package into the mirror of the image."""
    debs = small.pkglist.parent
    make_deb(debs, "own-tool", {"usr/bin/own-tool": "#!/bin/sh\n"}, Version=version, **fields)
    index(debs)


def pointers(small: Small) -> Pointers:
    return Catalog(small.site).pointers(IMAGE)


def versions_of_tool(small: Small, digest: str) -> list[str]:
    return [one.version for one in Catalog(small.site).get(digest).manifest if one.name == "own-tool"]


def test_an_image_from_its_first_version_to_a_broken_package(small: Small, boots: Judge, tmp_path: Path) -> None:
    site = small.site
    site.set("osimage", IMAGE, gate="testboot")
    first = update(site, IMAGE)
    assert (first["state"], first["before"], len(boots.asked)) == ("published", "", 1)
    assert pointers(small).current == first["digest"]

    again = update(site, IMAGE)
    assert (again["state"], again["digest"], len(boots.asked)) == ("nothing", first["digest"], 1)
    assert "nothing to do: nodes boot what its lists mean" in again["decision"]
    assert "nothing to build" in str(plan_update(site, IMAGE))

    release(small, "2.0")
    rules = tmp_path / "guard.yaml"
    rules.write_text("updated: forbid\n")
    plan = plan_update(site, IMAGE, policy=str(rules))
    assert not plan.allowed and plan.diff and [row.name for row in plan.diff.rows] == ["own-tool"]
    status, out, _ = sb(site, "update", IMAGE, "--dry-run", "--policy", str(rules))
    assert status == 1 and "own-tool 1.0 -> 2.0" in out and "breaks the policy" in out and "would be built: " in out
    with pytest.raises(PolicyError, match="own-tool"):
        update(site, IMAGE, policy=str(rules))
    assert pointers(small).candidate == first["digest"], "nothing was packed"

    boots.good = False
    with pytest.raises(test.TestbootError):
        update(site, IMAGE)
    failed = pointers(small)
    assert failed.current == first["digest"] != failed.candidate
    assert versions_of_tool(small, failed.candidate) == ["2.0"]
    with pytest.raises(test.TestbootError):
        update(site, IMAGE)
    boots.good = True
    later = update(site, IMAGE)
    assert (later["state"], later["digest"], later["before"]) == ("published", failed.candidate, first["digest"])
    assert "own-tool 1.0 -> 2.0" in " ".join(later["changes"]), later["changes"]

    rollback(site, IMAGE)
    release(small, "3.0")
    with pytest.raises(SbkernelError, match=f"is not published: current is held at {first['digest'][:8]}"):
        update(site, IMAGE)
    held = pointers(small)
    assert held.current == first["digest"] and versions_of_tool(small, held.candidate) == ["3.0"]
    promote(site, IMAGE)

    release(small, "4.0", Depends="no-such-package")
    failed_to_build = jobs.start(site, "update", TARGET, image=IMAGE)
    with pytest.raises(JobError, match="own-tool"):
        failed_to_build.wait()
    assert pointers(small).current == held.candidate == pointers(small).candidate
    assert failed_to_build.state == "failed"
    (small.pkglist.parent / "own-tool_4.0_all.deb").unlink()
    index(small.pkglist.parent)
    status, out, _ = sb(site, "update", IMAGE, "--json")
    assert (status, json.loads(out)["state"]) == (0, "nothing")


def test_it_is_packed_as_it_was_the_last_time(small: Small, boots: Judge) -> None:
    site = small.site
    packed = packimage(site, IMAGE, method="squashfs", compression="lz4", block_size="64K", verity=True, gated=True)
    done = update(site, IMAGE)
    assert done["digest"] == packed["digest"] == pointers(small).current


def test_without_a_test_boot_only_where_no_gate_is(small: Small, boots: Judge) -> None:
    site = small.site
    site.set("osimage", IMAGE, gate="testboot")
    with pytest.raises(DefinitionError, match="nothing of it is published without a test boot"):
        update(site, IMAGE, testboot=False)
    site.set("osimage", IMAGE, gate="")
    packed = packimage(site, IMAGE, compression="lz4", gated=True)
    assert pointers(small).current != packed["digest"]
    assert update(site, IMAGE, testboot=False)["digest"] == packed["digest"] == pointers(small).current
    assert boots.asked == []


def test_security_updates_alone_leave_the_rest_as_it_is(small: Small, boots: Judge, tmp_path: Path) -> None:
    site = small.site
    plain = site.osimages[IMAGE].get("pkgdir")
    archive(tmp_path, "bookworm-security", {"fixed": {}}, "Debian-Security")
    site.set("osimage", IMAGE, pkgdir=f"{plain},copy:{tmp_path} bookworm-security main gpgcheck=0")
    before = update(site, IMAGE, testboot=False)
    same = update(site, IMAGE, security_only=True)
    assert (same["state"], same["digest"]) == ("nothing", before["digest"])
    release(small, "9.0")
    index(small.pkglist.parent, "--multiversion")
    assert update(site, IMAGE, security_only=True)["state"] == "nothing", "no security archive has it"
    plan = plan_update(site, IMAGE, security_only=True)
    assert plan.diff is not None and not list(plan.diff.rows)
    archive(tmp_path, "bookworm-security", {"own-tool": {"Version": "9.1"}}, "Debian-Security")
    fixed = update(site, IMAGE, security_only=True, testboot=False)
    assert versions_of_tool(small, fixed["digest"]) == ["9.1"]
    site.set("osimage", IMAGE, pkgdir=plain)


def test_the_notebook_leaves_a_record_of_what_was_published_and_of_what_failed(small: Small) -> None:
    before = pointers(small).current
    release(small, "9.5")
    done = run_notebook(small.site, "update", {"image": IMAGE, "testboot": False})
    assert done.ok, done.error
    current = pointers(small).current
    assert current != before and versions_of_tool(small, current) == ["9.5"]
    page = done.path_html.read_text()
    assert f"current is {current[:8]}" in page and len(page) < 1_000_000
    release(small, "10.0", Depends="no-such-package")
    broken = run_notebook(small.site, "update", {"image": IMAGE, "testboot": False})
    assert broken.status == "failed" and pointers(small).current == current
    assert "no-such-package" in broken.path_html.read_text()


def test_what_is_no_image_or_no_policy_is_told_at_once(small: Small, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Could not find an object named 'x'"):
        update(small.site, "x")
    with pytest.raises(NotFoundError) as caught:
        update(small.site, f"{IMAGE}@previous")
    assert f"sb update {IMAGE}" in str(caught.value.hint)
    with pytest.raises(NotFoundError, match="cannot read the policy"):
        update(small.site, IMAGE, policy=str(tmp_path / "none"))
