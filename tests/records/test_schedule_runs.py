"""Scheduled runs, started as cron starts them: one at a time, ended after their time, and true after any death."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from waiting import until

from sbkernel import files
from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.errors import LockedError
from sbkernel.jobs.processes import children, session_members
from sbkernel.records import names, trust
from sbkernel.records.kept import listing
from sbkernel.records.schedules import definition, environment, guard, last, schedule
from sbkernel.records.schedules.definition import Schedule, Tell
from sbkernel.records.schedules.last import Last
from sbkernel.site import Site

Write = Callable[..., Path]
Make = Callable[..., Schedule]


@pytest.fixture
def make(site: Site, tmp_path: Path) -> Make:
    """Keep a schedule without a timer; its notices are lines of a file."""
    program = tmp_path / "told"
    program.write_text(f"#!/bin/sh\ncat >> '{tmp_path}/notices'; echo >> '{tmp_path}/notices'\n")
    program.chmod(0o755)

    def made(notebook: Path, **more: object) -> Schedule:
        given = {"name": "small", "notebook": str(notebook), "kind": "hourly", "tell": Tell(command=str(program))}
        kept = Schedule(**{**given, **more})  # type: ignore[arg-type]
        definition.save(site, kept)
        return kept

    return made


@pytest.fixture
def started(site: Site) -> Iterator[Callable[[Schedule], subprocess.Popen[str]]]:
    """Start a guard as cron does."""
    guards: list[subprocess.Popen[str]] = []

    def start(made: Schedule) -> subprocess.Popen[str]:
        variables = {**environment.standing(), **environment.needed(made)}
        guards.append(subprocess.Popen(
            environment.command(site, made.name), env=variables, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        ))  # fmt: skip
        return guards[-1]

    yield start
    for one in guards:
        one.kill()
        one.communicate()


Start = Callable[[Schedule], "subprocess.Popen[str]"]


def notices(tmp_path: Path) -> list[dict[str, str]]:
    path = tmp_path / "notices"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def outcome(site: Site) -> Last:
    found = last.read(site, "small")
    assert found is not None
    return found


def record(site: Site) -> nbformat.NotebookNode:
    (path,) = site.records.rglob("*.ipynb")
    assert path == site.records / outcome(site).record
    assert path.with_suffix(".html").exists()
    return nbformat.read(path, as_version=4)


def waits(tmp_path: Path, *, deaf: bool = False) -> str:
    """Return a cell that says its PID and waits; a deaf one does not listen to the stop button."""
    ignore = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" if deaf else ""
    told = f"import os, pathlib, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
    return f"{ignore}{told}while True:\n    time.sleep(1)"


def kernel(tmp_path: Path) -> int:
    return int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))


def is_gone(pid: int) -> bool:
    return not list(session_members(pid))


def test_a_run_in_the_environment_of_cron(site: Site, notebook: Write, make: Make, started: Start) -> None:
    cell = "import os, sys\nprint(sorted(os.environ), os.environ['PATH'], count, os.isatty(0), sys.stdin)"
    run = started(make(notebook(cell, name="with blank"), values={"count": 7, "image": "☃ 1e5: [x"}))
    assert run.communicate() == ("", "")
    assert run.returncode == 0
    made = record(site)
    assert made.metadata.sbkernel.status == "ok" and made.metadata.sbkernel.scheduled == "small"
    assert made.metadata.papermill.parameters == {"count": 7, "image": "☃ 1e5: [x"}
    (said,) = (output.text for cell in made.cells for output in cell.get("outputs", ()))
    assert "/usr/bin:/bin 7 False" in said
    assert not {"LANG", "DISPLAY", "PYTEST_CURRENT_TEST"} & set(said.split("'"))
    assert "scheduled by</dt><dd>small" in (site.records / outcome(site).record).with_suffix(".html").read_text()
    assert outcome(site).ok and not last.is_running(site, "small")
    shown = CliRunner().invoke(group(VERB_GROUPS), ["--site", str(site.root), "records", "show", outcome(site).run])
    assert re.search(r"^scheduled by +small$", shown.output, re.MULTILINE), shown.output


def test_a_failure_is_told_with_its_record_and_without_a_secret(
    site: Site, notebook: Write, make: Make, started: Start, tmp_path: Path
) -> None:
    site.set("passwd", "ipmi", username="admin", password="planted-secret")
    run = started(make(notebook("raise ValueError('no planted-secret for ' + image + '\\n  do this')")))
    assert run.wait() == 1
    (told,) = notices(tmp_path)
    assert told["status"] == "failed" and told["schedule"] == "small"
    assert told["why"] == "ValueError: no *** for compute do this"
    assert Path(told["record"]) == site.records / outcome(site).record
    files = [path for path in site.root.rglob("*") if path.is_file() and not path.name.startswith("site.db")]
    assert [path for path in files if b"planted-secret" in path.read_bytes()] == []
    assert outcome(site).untold == ""


def test_a_notebook_that_is_gone_is_told(site: Site, make: Make, started: Start, tmp_path: Path) -> None:
    """And who only looks, which takes a shared lock for a moment, keeps no run from beginning."""
    made = make(tmp_path / "gone.ipynb")
    looks = files.take(last.lock_file(site, "small"), shared=True)
    run = started(made)
    time.sleep(0.2)
    os.close(looks)
    assert run.wait() == 1
    (told,) = notices(tmp_path)
    assert told["why"].startswith(f"no notebook '{tmp_path}/gone.ipynb'") and told["record"] == ""


def test_a_second_start_is_refused_and_sigterm_ends_the_first(
    site: Site, notebook: Write, make: Make, started: Start, tmp_path: Path
) -> None:
    made = make(notebook(waits(tmp_path), "print('next')"))
    first = started(made)
    pid = kernel(tmp_path)
    second = started(made)
    _, said = second.communicate()
    assert second.returncode == 75
    assert said == "small: not started: the run before has not ended\n"
    (row,) = schedule.ls(site)
    assert row.status == "running, then one refused" and not row.is_well
    for verb in (schedule.rm, schedule.start):
        with pytest.raises(LockedError, match="has not ended"):
            verb(site, "small")
    first.send_signal(signal.SIGTERM)
    first.communicate()
    assert first.returncode == 130
    made_record = record(site)
    about = made_record.metadata.sbkernel
    assert (about.status, about.why) == ("interrupted", "stopped by SIGTERM")
    assert made_record.cells[-1].metadata.papermill.status == "pending"
    (kept,) = listing.records(site)
    assert (kept.status, kept.why, kept.scheduled) == ("interrupted", "stopped by SIGTERM", "small")
    assert trust.is_own(site.records / outcome(site).record)
    assert [(told["status"], told["why"]) for told in notices(tmp_path)] == [
        ("refused", "the run before has not ended"), ("interrupted", "stopped by SIGTERM"),
    ]  # fmt: skip
    until(lambda: is_gone(pid))


@pytest.mark.parametrize("deaf", [False, True])
def test_a_run_that_takes_too_long_is_ended_with_its_kernel(
    site: Site, notebook: Write, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaf: bool
) -> None:
    """Its time begins with its cell here: on a busy machine the kernel alone could take longer."""
    begins = guard._wait
    monkeypatch.setattr(guard, "_wait", lambda *given: (kernel(tmp_path), begins(*given))[1])
    make(notebook(waits(tmp_path, deaf=deaf)), limit="0.1s", grace_s=0.5 if deaf else 60)
    assert guard.guarded_run(site, "small") == 130
    assert (outcome(site).status, outcome(site).why) == ("interrupted", "time limit of 0.1s")
    made = record(site)
    assert (made.metadata.sbkernel.status, made.metadata.sbkernel.why) == ("interrupted", "time limit of 0.1s")
    assert made.cells[-1].metadata.papermill.status == "failed"
    assert outcome(site).record.endswith("-small-compute-interrupted.ipynb")
    assert [told["why"] for told in notices(tmp_path)] == ["time limit of 0.1s"]
    until(lambda: is_gone(kernel(tmp_path)))


def test_a_run_that_is_killed_is_told_as_killed(
    site: Site, notebook: Write, make: Make, started: Start, tmp_path: Path
) -> None:
    run = started(make(notebook(waits(tmp_path))))
    pid = kernel(tmp_path)
    (child,) = children(run.pid)
    os.kill(child, signal.SIGKILL)
    run.communicate()
    assert run.returncode == 1
    assert (outcome(site).status, outcome(site).why) == ("killed", "the run was killed by signal 9")
    assert record(site).metadata.sbkernel.status == "interrupted"
    assert [told["status"] for told in notices(tmp_path)] == ["killed"]
    until(lambda: is_gone(pid))


def test_after_a_kill_of_the_guard_nothing_runs_and_the_next_run_tells(
    site: Site, notebook: Write, make: Make, started: Start, tmp_path: Path
) -> None:
    made = make(notebook(waits(tmp_path)))
    first = started(made)
    pid = kernel(tmp_path)
    first.kill()
    first.communicate()
    until(lambda: is_gone(pid))
    assert outcome(site).status == "killed" and "kill -9" in outcome(site).why
    (left,) = site.records.rglob("*-running.ipynb")
    notebook("pass")
    assert started(made).wait() == 0
    assert [told["status"] for told in notices(tmp_path)] == ["killed"]
    assert outcome(site).status == "ok" and not left.exists()
    (finished,) = site.records.rglob("*-interrupted.ipynb")
    assert nbformat.read(finished, as_version=4).metadata.sbkernel.why == last.WITHOUT_A_WORD


def test_a_listing_finishes_what_a_killed_run_has_left(site: Site, notebook: Write, make: Make) -> None:
    made = make(notebook("pass"))
    now = time.time()
    left = names.folder(site.records, datetime.fromtimestamp(now, UTC)) / f"{stamp(now)}-small-compute-running.ipynb"
    left.parent.mkdir(parents=True)
    nbformat.write(running(Path(made.notebook), "theirs"), left.with_name(f"{stamp(now)}-other-running.ipynb"))
    nbformat.write(running(Path(made.notebook), "ours"), left)
    last.write(site, "small", Last(run="ours", started=now))
    (row,) = schedule.ls(site)
    assert row.status == "killed" and str(row.record).endswith("-small-compute-interrupted.html")
    assert [path.name for path in site.records.rglob("*-running.ipynb")] == [f"{stamp(now)}-other-running.ipynb"]
    assert str(schedule.ls(site)) == str(schedule.ls(site))


def stamp(epoch_s: float) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y%m%dT%H%M%SZ}"


def running(notebook: Path, run: str) -> nbformat.NotebookNode:
    found = nbformat.read(notebook, as_version=4)
    found.metadata["sbkernel"] = {"run": run, "status": "running"}
    return found


def test_a_record_that_was_cut_off_is_kept_as_it_is(site: Site, notebook: Write, make: Make) -> None:
    make(notebook("pass"))
    folder = names.folder(site.records, datetime.now(UTC))
    folder.mkdir(parents=True)
    (folder / f"{stamp(time.time())}-small-running.ipynb").write_text('{"metadata": {"sbkernel": {"run": "ours"')
    last.write(site, "small", Last(run="ours", started=time.time()))
    (row,) = schedule.ls(site)
    assert row.status == "killed" and row.record is None


def test_by_hand_it_runs_as_by_its_timer_and_ctrl_c_ends_it(
    site: Site, notebook: Write, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    make(notebook("import os; print(os.environ.get('LANG'), os.environ['PATH'])", waits(tmp_path)))
    words = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "schedule", "run", "small"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid = kernel(tmp_path)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate()
    assert process.returncode == 130 and wrong == ""
    assert said == last.log_file(site, "small").read_text()
    assert "record " in said and said.endswith("interrupted: stopped by SIGTERM\n")
    assert "None /usr/bin:/bin" in (site.records / outcome(site).record).read_text()
    until(lambda: is_gone(pid))


def test_a_full_disk_is_told(site: Site, notebook: Write, make: Make, started: Start, tmp_path: Path) -> None:
    """A log that cannot be written stands for a disk that is full."""
    made = make(notebook("pass"))
    last.log_file(site, "small").symlink_to("/dev/full")
    run = started(made)
    _, said = run.communicate()
    assert run.returncode == 1
    assert "No space left on device" in said
    (told,) = notices(tmp_path)
    assert told["status"] == "failed" and "No space left on device" in told["why"]


def test_a_record_that_has_no_page_is_no_success(
    site: Site, notebook: Write, make: Make, started: Start, tmp_path: Path
) -> None:
    """The cells ran; what follows them failed."""
    blocked = (
        "import pathlib, os\nrecord = next(pathlib.Path(os.environ['SBKERNEL_SITE']).rglob('*-running.ipynb'))\n"
        "(record.parent / record.name.replace('running.ipynb', 'ok.html')).mkdir()"
    )
    assert started(make(notebook(blocked))).wait() == 1
    assert outcome(site).status == "failed" and "Is a directory" in outcome(site).why
