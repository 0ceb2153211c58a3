"""update from a timer, as cron starts it: what fails is not published, but recorded and told; so is any death."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from debs import index, make_deb
from smallbuild import Small, processes, small
from waiting import until

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import Pointers
from sbkernel.images.packimage import packimage
from sbkernel.jobs import job as jobs
from sbkernel.jobs.processes import children
from sbkernel.records.schedules import definition, environment, last, schedule
from sbkernel.records.schedules.definition import Schedule, Tell
from sbkernel.site import Site

__all__ = ["small"]
IMAGE = "small"
NAME = "nightly"


@pytest.fixture
def nightly(small: Small, tmp_path: Path) -> Schedule:
    """The notebook update for the small image, whose notices are lines of a file."""
    program = tmp_path / "told"
    program.write_text(f"#!/bin/sh\ncat >> '{tmp_path}/notices'; echo >> '{tmp_path}/notices'\n")
    program.chmod(0o755)
    tell = Tell(command=str(program))
    values = {"image": IMAGE, "testboot": False}
    made = Schedule(name=NAME, notebook="update", values=values, kind="daily", at="02:00", tell=tell)
    definition.save(small.site, made)
    return made


def start(site: Site, made: Schedule) -> subprocess.Popen[str]:
    """Start a run as cron does."""
    variables = {**environment.standing(), **environment.needed(made)}
    return subprocess.Popen(
        environment.command(site, made.name), env=variables, cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def release(small: Small, version: str, **fields: str) -> None:
    """Put a new version of a package into the mirror of the image."""
    debs = small.pkglist.parent
    make_deb(debs, "own-tool", {"usr/bin/own-tool": f"#!/bin/sh\n# {version}\n"}, Version=version, **fields)
    index(debs)


def pointers(small: Small) -> Pointers:
    return Catalog(small.site).pointers(IMAGE)


def notices(tmp_path: Path) -> list[dict[str, str]]:
    path = tmp_path / "notices"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def status(site: Site) -> str:
    (row,) = schedule.ls(site)
    return str(row.status)


def test_a_broken_package_is_not_published_and_the_failure_is_sent(
    small: Small, nightly: Schedule, tmp_path: Path
) -> None:
    site = small.site
    packed = packimage(site, IMAGE)
    release(small, "2.0", Depends="no-such-package")
    run = start(site, nightly)
    run.communicate()
    assert run.returncode == 1
    assert pointers(small).current == packed["digest"]
    (told,) = notices(tmp_path)
    assert (told["schedule"], told["status"]) == (NAME, "failed") and "no-such-package" in told["why"]
    record = nbformat.read(told["record"], as_version=4)
    assert record.metadata.sbkernel.status == "failed" and record.metadata.sbkernel.scheduled == NAME
    assert "no-such-package" in Path(told["record"]).with_suffix(".html").read_text()
    assert status(site) == "failed"


def by_sigterm(run: subprocess.Popen[str]) -> None:
    run.send_signal(signal.SIGTERM)


def by_killing_the_guard(run: subprocess.Popen[str]) -> None:
    run.kill()


def by_killing_the_run(run: subprocess.Popen[str]) -> None:
    for child in children(run.pid):
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("version", "death", "states"),
    [
        ("3.0", by_sigterm, {"interrupted"}),
        ("4.0", by_killing_the_guard, {"killed"}),
        ("5.0", by_killing_the_run, {"killed"}),
    ],
)
def test_a_death_at_any_moment_leaves_a_true_status_and_a_whole_image(
    small: Small, nightly: Schedule, tmp_path: Path, version: str, death: Callable[..., None], states: set[str]
) -> None:
    site = small.site
    for broken in small.pkglist.parent.glob("own-tool_2.0_*"):
        broken.unlink()
    release(small, version)
    before = len(jobs.listing(site))
    run = start(site, nightly)
    seed = random.randrange(1000)
    until(lambda: run.poll() is not None or len(jobs.listing(site)) > before, 120)
    time.sleep(random.Random(seed).uniform(0, 1.5))
    death(run)
    run.communicate()
    found = status(site)
    # A run that had ended already when it was to die has ended well.
    assert found in {*states, "ok"}, (seed, found)
    until(lambda: all(job.done for job in jobs.listing(site)), 120)
    until(lambda: not processes(site), 60)
    current = pointers(small).current
    assert Catalog(site).get(current).roots, seed
    assert last.read(site, NAME)
    assert start(site, nightly).wait(180) == 0
    assert status(site) == "ok"
    manifest = Catalog(site).get(pointers(small).current).manifest
    assert [one.version for one in manifest if one.name == "own-tool"] == [version]
    told = [one["status"] for one in notices(tmp_path)]
    assert set(told) <= states, (seed, told)
