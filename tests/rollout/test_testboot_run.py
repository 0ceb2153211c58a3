"""Whole test boots of a version that no machine can boot: a real service, a real QEMU, and a node that always goes."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import sb
from jobwatch import worker_pid
from rolloutsite import IMAGE
from smallimage import publish
from waiting import until

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.nodes.virtual.throwaway import names
from sbkernel.rollout.testboot.verdicts import verdict_of
from sbkernel.service.client import Service
from sbkernel.site import Site

TARGET = "sbkernel.rollout.testboot.testboot:testboot"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with a version that boots nowhere, behind a gate; its service is stopped at the end."""
    with Site.open(tmp_path_factory.mktemp("run") / "site") as opened:
        opened.set("osimage", IMAGE, gate="testboot")
        publish(opened, b"root", IMAGE)
        yield opened
        Service(opened).stop()


def machines(site: Site) -> list[str]:
    """Return the QEMUs of throw-away nodes of this site."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, here = (entry / "cmdline").read_bytes().split(b"\0"), (entry / "cwd").readlink()
        except OSError:
            continue
        if here == site.run and b"qemu-system" in words[0] and any(b"testboot-" in word for word in words):
            found.append(entry.name)
    return found


def booting(site: Site) -> Job:
    """Start a test boot and return when its node has power."""
    job = jobs.start(site, "testboot", TARGET, image=IMAGE)
    until(lambda: machines(site), 120, unless=lambda: job.done, seen=job.log_path.read_text)
    return job


def nothing_left(site: Site) -> bool:
    """Whether the node is gone, with its machine and its boot files."""
    files = [path for top in (site.boot, site.run) for path in top.rglob("*") if "testboot-" in path.name]
    return not names(site) and not machines(site) and not files


def test_a_version_that_does_not_boot_fails_and_stays_the_candidate(site: Site) -> None:
    digest = Catalog(site).pointers(IMAGE).candidate
    status, out, err = sb(site, "testboot", IMAGE, "--promote", "--timeout", "10", "--memory", "128", "--json")
    said = json.loads(out)
    assert (status, said["passed"], said["digest"]) == (1, False, digest), err
    checks = {one["name"]: one for one in said["checks"]}
    assert set(checks) == {"boot", "version"} and not checks["boot"]["ok"]
    assert checks["boot"]["said"].startswith("no userspace and no login in time; last: ")
    assert checks["boot"]["output"], "where it stands, and how its console ends"
    assert "Error: testboot: " in err and "has failed its test boot: boot, version" in err
    verdict = verdict_of(site, digest)
    assert verdict and not verdict.passed and verdict.job.startswith(jobs.listing(site)[0].id)
    pointers = Catalog(site).pointers(IMAGE)
    assert (pointers.current, pointers.candidate) == ("", digest)
    until(lambda: nothing_left(site))


def test_cancel_and_a_kill_leave_no_node(site: Site) -> None:
    cancelled = booting(site)
    cancelled.stop()
    assert cancelled.state == "cancelled"
    until(lambda: nothing_left(site))
    killed = booting(site)
    os.kill(worker_pid(killed), signal.SIGKILL)
    until(lambda: killed.done and nothing_left(site))
    assert killed.state == "failed"
    verdict = verdict_of(site, Catalog(site).pointers(IMAGE).candidate)
    assert verdict is None or verdict.job not in (cancelled.id, killed.id), "neither is a verdict"
