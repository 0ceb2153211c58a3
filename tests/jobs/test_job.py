"""Jobs as their site sees them: awaited, started by who is killed, attached, listed, pruned."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from waiting import until, until_async

from sbkernel.definitions.secret import Secret
from sbkernel.errors import JobError, NotFoundError
from sbkernel.files import in_turn
from sbkernel.jobs import directory, job
from sbkernel.jobs.job import Job
from sbkernel.jobs.order import Order
from sbkernel.site import Site

HERE = Path(__file__).resolve().parent


def start(site: Site, target: str, **kwargs: object) -> Job:
    return job.start(site, target, f"job_targets:{target}", **kwargs)


async def test_await_returns_the_job(site: Site) -> None:
    done = await start(site, "good")
    assert done.result["units"] == 3


async def test_await_of_a_failed_job_raises(site: Site) -> None:
    with pytest.raises(JobError, match="the build broke"):
        await start(site, "bad")


async def test_an_interrupted_await_cancels_the_job(site: Site, tmp_path: Path) -> None:
    running = start(site, "slow", marker=str(tmp_path / "marker"))

    async def cell() -> None:
        await running

    task = asyncio.create_task(cell())
    await until_async((tmp_path / "marker").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert running.state == "cancelled" and (tmp_path / "marker.cleaned").exists()


def test_waiting_ends_after_its_time_and_the_job_goes_on(site: Site, tmp_path: Path) -> None:
    running = start(site, "slow", marker=str(tmp_path / "marker"))
    with pytest.raises(TimeoutError):
        running.wait(0.2)
    assert not running.done
    running.stop()


def test_a_job_whose_starter_was_killed_can_be_cancelled(site: Site, tmp_path: Path) -> None:
    code = (
        "import os, sys; from sbkernel.site import Site; from sbkernel.jobs import directory, job\n"
        "begin = directory.detach\n"
        "directory.detach = lambda *words, **options: (begin(*words, **options), os.kill(os.getpid(), 9))\n"
        "job.start(Site.open(sys.argv[1]), 'slow', 'job_targets:slow', marker=sys.argv[2])"
    )
    argv = [sys.executable, "-c", code, str(site.root), str(tmp_path / "marker")]
    assert subprocess.run(argv, cwd=HERE.parents[1]).returncode == -9
    until((tmp_path / "marker").exists)
    (running,) = job.listing(site)
    running.cancel()
    with pytest.raises(JobError, match="was cancelled"):
        running.wait(60)
    assert (tmp_path / "marker.cleaned").exists()


def test_a_secret_or_a_place_that_is_none_leaves_no_job(site: Site) -> None:
    with pytest.raises(JobError, match="argument password is a secret"):
        start(site, "echo", password=Secret("hunter2"))
    with pytest.raises(NotFoundError, match="no place 'mars at night'"):
        job.submit(site, Order("echo", "job_targets:echo"), on="mars at night")
    assert list(site.jobs.iterdir()) == []


def test_a_job_of_an_older_version_is_still_read(site: Site) -> None:
    done = start(site, "good").wait(60)
    old = {key: value for key, value in done.spec.items() if key not in ("order", "launcher")}
    directory.write_json(done.dir / "spec.json", old)
    read = job.attach(site, done.id)
    read.cancel()
    read.kill()
    assert read.state == "succeeded" and read.result["units"] == 3


def test_unknown_and_ambiguous_ids(site: Site) -> None:
    start(site, "good").wait(60)
    start(site, "good").wait(60)
    with pytest.raises(NotFoundError, match="no job 'x'"):
        job.attach(site, "x")
    with pytest.raises(NotFoundError, match="2 jobs begin with '2'"):
        job.attach(site, "2")


def test_the_listing_is_newest_first_and_old_ones_are_pruned(site: Site, tmp_path: Path) -> None:
    running = start(site, "slow", marker=str(tmp_path / "marker"))
    until((tmp_path / "marker").exists)
    first = start(site, "good").wait(60)
    noon = time.time()
    done = [first, *(start(site, "good").wait(60) for _ in range(2))]
    assert [one.id for one in job.listing(site)] == [one.id for one in [*reversed(done), running]]
    assert [one.id for one in job.listing(site, since=noon)] == [done[2].id, done[1].id]
    directory.prune(site.jobs, keep=1)
    assert [one.id for one in job.listing(site)] == [done[-1].id, running.id], "a running job is never pruned"
    assert sorted(one.name for one in site.jobs.iterdir()) == [running.id, done[-1].id]
    running.stop()


def test_pruning_takes_what_a_kill_left_and_nothing_that_is_not_a_job(site: Site) -> None:
    done = start(site, "good").wait(60)
    begun, fresh, half = "20200101T000000000-good", "20200101T000000001-good", f".{done.id}.old"
    for name in (begun, fresh, half, "notes", "20200101-plans"):
        (site.jobs / name).mkdir()
        (site.jobs / name / "file").touch()
    (site.jobs / "README").write_text("what lies here")
    for name in (begun, half, "notes", "20200101-plans", "README"):
        os.utime(site.jobs / name, (1, 1))
    directory.prune(site.jobs)
    assert {one.name for one in site.jobs.iterdir()} == {done.id, fresh, "notes", "20200101-plans", "README"}


def bytes_read() -> int:
    """Return how many bytes this process has read so far (proc(5), rchar)."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_reading_events_costs_only_what_is_new(site: Site) -> None:
    watched = start(site, "many", count=20_000).wait(60)
    assert watched.result == {"last": 19_999}
    before = bytes_read()
    for _ in range(100):
        assert watched.events(20_000)
    assert bytes_read() - before < 10_000


def test_listing_reads_no_more_of_a_job_that_has_ended_than_its_end(site: Site) -> None:
    done = start(site, "many", count=20_000).wait(60)
    size = (done.dir / "events.jsonl").stat().st_size
    before = bytes_read()
    listed = [(one.state, one.error, one.seconds) for one in job.listing(site)]
    assert listed == [("succeeded", None, done.seconds)]
    assert bytes_read() - before < 50_000 < size
    assert job.listing(site)[0].result == {"last": 19_999}, "all of it is read when it is asked for"


def test_a_follower_that_looks_at_the_job_misses_no_event(site: Site) -> None:
    watched = Job(start(site, "good").wait(60).dir)
    events = watched.dir / "events.jsonl"
    everything = events.read_bytes().splitlines(keepends=True)
    events.write_bytes(everything[0])
    with in_turn(watched.dir / "lock"):
        batches = watched.follow()
        seen = list(next(batches))
        events.write_bytes(b"".join(everything))
        assert watched.state == "succeeded"
        for batch in batches:
            seen += batch
    assert b"".join(event.line() for event in seen) == b"".join(everything)


def test_a_half_written_line_is_left_alone(site: Site) -> None:
    done = start(site, "good").wait(60)
    with (done.dir / "events.jsonl").open("ab") as stream:
        stream.write(b'{"t": 1, "ki')
    assert job.attach(site, done.id).state == "succeeded"
