"""What every launcher keeps to, tested with real processes: start, follow, cancel, kill, bring back."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobwatch import until_gone, worker_pid
from waiting import until

from sbkernel.errors import JobCancelledError, JobError, NotFoundError
from sbkernel.files import is_held
from sbkernel.jobs.blobs import Blobs, artefacts_of, inputs_of
from sbkernel.jobs.job import Job, attach, listing, submit
from sbkernel.jobs.order import Order
from sbkernel.jobs.processes import session_members
from sbkernel.site import Site

ROOT = Path(__file__).resolve().parents[3]
Start = Callable[..., Job]


@pytest.fixture
def start(site: Site, place: str) -> Start:
    """Return a function that starts a target of the tests at the place."""

    def started(name: str, *, inputs: dict[str, str] | None = None, plan: str = "", **arguments: Any) -> Job:
        return submit(site, Order(name, f"job_targets:{name}", arguments, inputs=inputs, plan=plan), on=place)

    return started


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


def test_an_order_runs_and_its_result_comes_back(start: Start, site: Site) -> None:
    done = start("good").wait(60)
    assert done.state == "succeeded" and done.error is None
    assert done.result["units"] == 3
    assert done.tail(2) == ["unit 2", "unit 3"]
    assert done.dir.stat().st_mode & 0o777 == 0o700
    assert done.log_path.stat().st_mode & 0o077 == 0


def test_events_come_in_order_and_each_once(start: Start) -> None:
    watched = start("good", units=5)
    events = [event for batch in watched.follow() for event in batch]
    assert events == Job(watched.dir).events()
    kinds = [event.kind for event in events if event.kind != "progress"]
    assert kinds == ["state", "phase-start", "phase-end", "result", "result", "state"]
    assert [event.data["state"] for event in events if event.kind == "state"] == ["running", "succeeded"]
    assert [event.t for event in events] == sorted(event.t for event in events)
    assert watched.progress.phases[0][0] == "count" and watched.progress.phases[0][1] is not None


def test_arguments_and_the_digest_of_the_plan_reach_the_target(start: Start) -> None:
    arguments = {"image": "compute", "force": False, "level": None, "drivers": ["e1000e", "igb"], "more": {"a": 1.5}}
    assert start("echo", plan="f" * 64, **arguments).wait(60).result == {**arguments, "plan": "f" * 64}
    assert start("echo").wait(60).result == {}, "a target that knows no plan is not told of one"


def test_the_order_is_kept_with_its_digest_and_place(start: Start, place: str) -> None:
    done = start("echo", image="compute").wait(60)
    order = Order.from_json((done.dir / "order.json").read_text())
    assert order == Order("echo", "job_targets:echo", {"image": "compute"})
    assert (done.spec["order"], done.spec["launcher"]) == (order.digest, place)


def test_a_failure_comes_with_message_and_hint(start: Start) -> None:
    failed = start("bad")
    with pytest.raises(JobError, match="bad: the build broke") as caught:
        failed.wait(60)
    assert caught.value.hint == "mend it" and failed.error == "the build broke"
    assert "BuildError" in "\n".join(failed.tail(50))


def test_a_bug_is_told_with_its_type(start: Start) -> None:
    with pytest.raises(JobError, match="KeyError: 'x'"):
        start("bug").wait(60)


def test_a_worker_that_dies_without_a_word_has_failed(start: Start) -> None:
    with pytest.raises(JobError, match=r"killed.*about to die"):
        start("die").wait(60)


def test_the_lock_is_held_from_start_to_end(start: Start, marker: Path) -> None:
    running = start("slow", marker=str(marker))
    # A job that is starting is not taken for a dead one.
    until(marker.exists, every_s=0.01, unless=lambda: not is_held(running.dir / "lock"))
    running.stop()
    until_gone(worker_pid(running))
    until(lambda: not is_held(running.dir / "lock"))


@pytest.mark.parametrize("isolated", [False, True])
def test_cancel_lets_the_target_clean_up_and_ends_every_process(start: Start, marker: Path, isolated: bool) -> None:
    running = start("slow", marker=str(marker), isolated=isolated)
    until(marker.exists)
    running.cancel()
    with pytest.raises(JobCancelledError):
        running.wait(60)
    assert running.state == "cancelled" and Path(f"{marker}.cleaned").exists()
    until_gone(worker_pid(running))


@pytest.mark.parametrize("then", ["fail", "wait"])
def test_nothing_that_the_target_left_behind_survives_a_bad_end(start: Start, marker: Path, then: str) -> None:
    running = start("litter", marker=str(marker), then=then)
    until(marker.exists)
    if then == "wait":
        running.cancel()
    with pytest.raises(JobError):
        running.wait(60)
    worker = worker_pid(running)
    assert set(session_members(worker)) <= {worker}, "all is gone before the job says that it has ended"
    until_gone(worker)


def test_a_target_that_refuses_is_killed_after_the_grace(start: Start, marker: Path) -> None:
    running = start("stubborn", marker=str(marker))
    until(marker.exists)
    running.cancel()
    assert not running.done, "cancel does not wait: it is called from a button"
    running.stop(grace_s=0.5)
    assert running.state == "cancelled"
    until_gone(worker_pid(running))


def test_cancel_before_the_worker_is_up(start: Start, marker: Path) -> None:
    running = start("slow", marker=str(marker))
    running.stop()
    assert running.state == "cancelled" and not marker.exists()


def test_cancel_of_an_order_that_has_ended_does_nothing(start: Start) -> None:
    done = start("good").wait(60)
    done.cancel()
    done.kill()
    assert done.state == "succeeded" and not (done.dir / "cancel").exists()


def test_kill_9_of_the_worker_is_a_failure_and_takes_everything_along(start: Start, marker: Path) -> None:
    running = start("slow", marker=str(marker), isolated=True)
    until(marker.exists)
    os.kill(worker_pid(running), signal.SIGKILL)
    with pytest.raises(JobError, match="killed: its process ended without saying why"):
        running.wait(60)
    until_gone(worker_pid(running))


def test_an_order_outlives_who_gave_it_and_another_process_takes_over(site: Site, place: str, marker: Path) -> None:
    code = (
        "import sys; from sbkernel.site import Site; from sbkernel.jobs.job import submit\n"
        "from sbkernel.jobs.order import Order\n"
        "order = Order('slow', 'job_targets:slow', {'marker': sys.argv[2]})\n"
        "print(submit(Site.open(sys.argv[1]), order, on=sys.argv[3]).id, flush=True)"
    )
    argv = [sys.executable, "-c", code, str(site.root), str(marker), place]
    started = subprocess.run(argv, check=True, text=True, capture_output=True, cwd=ROOT)
    until(marker.exists)
    watched = attach(site, started.stdout.strip())
    second = attach(site, watched.id[:12])
    until(lambda: watched.progress.phase == "sleep")  # on its way from another machine
    assert watched.state == second.state == "running"
    second.stop()
    assert watched.state == "cancelled"
    until_gone(worker_pid(watched))


def test_inputs_go_there_and_artefacts_come_back_by_digest(start: Start, site: Site, tmp_path: Path) -> None:
    inputs = inputs_of(site)
    done = start("shout", inputs={"list": inputs.put(b"bash\n"), "a b/../c": inputs.put(b"vim\n")}).wait(60)
    mine = Blobs(tmp_path / "mine")
    fetched = {name: done.fetch(name, mine) for name in done.artefacts}
    assert {name: file.read_text() for name, file in fetched.items()} == {"list": "BASH\n", "a b/../c": "VIM\n"}
    assert {file.parent for file in fetched.values()} == {mine.directory}
    sizes = {event.data["name"]: event.data["size"] for event in done.events() if event.kind == "artefact"}
    assert sizes == {"list": 5, "a b/../c": 4}
    with pytest.raises(NotFoundError, match="no artefact 'nope'") as caught:
        done.fetch("nope", mine)
    assert "list" in str(caught.value.hint)


def test_a_damaged_artefact_is_refused(start: Start, site: Site, tmp_path: Path) -> None:
    done = start("shout", inputs={"list": inputs_of(site).put(b"bash\n")}).wait(60)
    made = artefacts_of(done.dir).path(done.artefacts["list"])
    made.chmod(0o600)
    made.write_text("bush\n")
    mine = Blobs(tmp_path / "mine")
    with pytest.raises(JobError, match="damaged"):
        done.fetch("list", mine)
    assert not mine.directory.exists() or not list(mine.directory.iterdir())


@pytest.mark.parametrize("damaged", [False, True])
def test_an_order_whose_input_is_missing_fails_before_anything_runs(
    start: Start, site: Site, marker: Path, damaged: bool
) -> None:
    inputs = inputs_of(site)
    whole, gone_bad = inputs.put(b"bash\n"), inputs.put(b"vim\n")
    lost = inputs.path(gone_bad)
    lost.unlink()
    if damaged:
        lost.write_text("vi\n")
    with pytest.raises(NotFoundError, match=r"missing or damaged in .*: other\n"):
        start("shout", inputs={"list": whole, "other": gone_bad}, marker=str(marker))
    assert listing(site) == [] and list(site.jobs.iterdir()) == [] and not marker.exists()


def test_an_input_that_is_damaged_on_its_way_never_reaches_the_target(
    start: Start, site: Site, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = inputs_of(site)
    kept = inputs.path(digest := inputs.put(b"bash\n"))
    kept.chmod(0o600)
    kept.write_text("bush\n")
    monkeypatch.setattr(Blobs, "missing", lambda *_: [])  # it was whole when the order was given
    with pytest.raises(JobError, match=r"shout: .* is damaged"):
        start("shout", inputs={"list": digest}, marker=str(marker)).wait(60)
    assert not marker.exists()
