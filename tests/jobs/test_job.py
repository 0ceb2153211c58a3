"""Jobs with real processes: run, watched, awaited, cancelled, killed, pruned."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from waiting import until, until_async

from sbkernel.errors import JobCancelledError, JobError, NotFoundError
from sbkernel.jobs import directory, job
from sbkernel.jobs.job import Job
from sbkernel.jobs.processes import session_members
from sbkernel.site import Site

HERE = Path(__file__).resolve().parent


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    return Site.open(tmp_path / "site")


def start(site: Site, target: str, **kwargs: object) -> Job:
    return job.start(site, target, f"job_targets:{target}", **kwargs)


def worker_pid(watched: Job) -> int:
    return int(json.loads((watched.dir / "pid").read_text())["pid"])


def until_gone(pid: int) -> None:
    until(lambda: not list(session_members(pid)), 5)


def test_a_job_runs_and_returns_its_result(site: Site) -> None:
    done = start(site, "good").wait(60)
    assert done.state == "succeeded" and done.error is None
    assert done.result == {"units": 3, "site": str(site.root)}
    assert done.tail(2) == ["unit 2", "unit 3"]
    kinds = [event.kind for event in done.events()]
    assert kinds[:2] == ["state", "phase-start"] and kinds[-1] == "state"
    assert done.progress.phases[0][0] == "count" and done.progress.phases[0][1] is not None
    assert done.dir.stat().st_mode & 0o777 == 0o700
    assert done.log_path.stat().st_mode & 0o077 == 0


def test_a_failed_job_raises_its_error_and_hint(site: Site) -> None:
    failed = start(site, "bad")
    with pytest.raises(JobError, match="bad: the build broke") as caught:
        failed.wait(60)
    assert caught.value.hint == "mend it" and failed.error == "the build broke"
    assert "BuildError" in "\n".join(failed.tail(50))


def test_a_bug_is_told_with_its_type(site: Site) -> None:
    with pytest.raises(JobError, match="KeyError: 'x'"):
        start(site, "bug").wait(60)


def test_a_worker_that_dies_without_a_word_has_failed(site: Site) -> None:
    with pytest.raises(JobError, match=r"killed.*about to die"):
        start(site, "die").wait(60)


@pytest.mark.parametrize("isolated", [False, True])
def test_cancel_lets_the_target_clean_up_and_ends_every_process(site: Site, tmp_path: Path, isolated: bool) -> None:
    marker = tmp_path / "marker"
    running = start(site, "slow", marker=str(marker), isolated=isolated)
    until(marker.exists)
    pid = worker_pid(running)
    begin = time.monotonic()
    running.cancel()
    assert time.monotonic() - begin < 0.5, "cancel does not block: it is called from a button"
    with pytest.raises(JobCancelledError):
        running.wait(20)
    assert running.state == "cancelled" and (tmp_path / "marker.cleaned").exists()
    until_gone(pid)


def test_a_target_that_refuses_is_killed_after_the_grace(site: Site, tmp_path: Path) -> None:
    running = start(site, "stubborn", marker=str(tmp_path / "marker"))
    until((tmp_path / "marker").exists)
    running.stop(grace_s=0.5)
    assert running.state == "cancelled"
    until_gone(worker_pid(running))


def test_kill_9_of_the_worker_takes_everything_along(site: Site, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    running = start(site, "slow", marker=str(marker), isolated=True)
    until(marker.exists)
    os.kill(worker_pid(running), signal.SIGKILL)
    with pytest.raises(JobError, match="killed"):
        running.wait(20)
    until_gone(worker_pid(running))


def test_cancel_before_the_worker_is_up(site: Site, tmp_path: Path) -> None:
    running = start(site, "slow", marker=str(tmp_path / "marker"))
    running.stop()
    assert running.state == "cancelled" and not (tmp_path / "marker").exists()


def test_cancel_of_a_job_that_is_done_does_nothing(site: Site) -> None:
    done = start(site, "good").wait(60)
    done.cancel()
    done.kill()
    assert done.state == "succeeded" and not (done.dir / "cancel").exists()


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


def test_a_job_outlives_who_started_it_and_can_be_attached(site: Site, tmp_path: Path) -> None:
    code = "import sys; from sbkernel.site import Site; from sbkernel.jobs import job\n"
    code += "print(job.start(Site.open(sys.argv[1]), 'slow', 'job_targets:slow', marker=sys.argv[2]).id, flush=True)"
    marker = tmp_path / "marker"
    started = subprocess.run([sys.executable, "-c", code, str(site.root), str(marker)], check=True, text=True,
                             capture_output=True, cwd=HERE.parents[1])  # fmt: skip
    until(marker.exists)
    watched = job.attach(site, started.stdout.strip())
    second = job.attach(site, watched.id[:12])
    assert watched.state == second.state == "running" and watched.progress.phase == "sleep"
    second.stop()
    assert watched.state == "cancelled"


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
    done = [start(site, "good").wait(60) for _ in range(3)]
    assert [one.id for one in job.listing(site)] == [one.id for one in [*reversed(done), running]]
    directory.prune(site.jobs, keep=1)
    assert [one.id for one in job.listing(site)] == [done[-1].id, running.id], "a running job is never pruned"
    running.stop()


def test_reading_events_costs_only_what_is_new(site: Site) -> None:
    watched = start(site, "many", count=20_000).wait(60)
    assert watched.result == {"last": 19_999}
    begin = time.perf_counter()
    for _ in range(1000):
        assert watched.events(20_000)
    assert time.perf_counter() - begin < 1.0


def test_a_half_written_line_is_left_alone(site: Site) -> None:
    done = start(site, "good").wait(60)
    with (done.dir / "events.jsonl").open("ab") as stream:
        stream.write(b'{"t": 1, "ki')
    assert job.attach(site, done.id).state == "succeeded"
