"""The verbs that show jobs: in a pipe, in a terminal, interrupted."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

from waiting import until

from sbkernel.jobs import job
from sbkernel.site import Site

HERE = Path(__file__).resolve().parent
FOLLOW = """
import sys
import types
from sbkernel.cli import main, follow, verb
from sbkernel.jobs import job
from sbkernel.site import Site
import click
@click.command("try")
@click.argument("target")
@click.argument("marker", required=False)
def trial(target, marker):
    more = {"marker": marker} if marker else {}
    with Site.open(sys.argv[1]) as site:
        print(follow.follow(job.start(site, target, f"job_targets:{target}", **more)))
main.VERB_GROUPS["Try"] = {"try": ""}
verb.folders()["try"] = "service"
sys.modules["sbkernel.cli.service.try"] = types.SimpleNamespace(command=trial)
main.main(sys.argv[2:])
"""


def sb(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from sbkernel.cli.main import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, "--site", str(site.root), *words], capture_output=True, text=True
    )


def follow(site: Site, *words: str, **options: object) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", FOLLOW, str(site.root), "try", *words]
    return subprocess.Popen(argv, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_without_a_terminal_phases_are_plain_lines_with_durations(site: Site) -> None:
    process = follow(site, "good", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "'units': 3" in out and re.fullmatch(r"  count +\d+\.\d s\n", err)


def test_a_failure_is_told_once_with_its_hint(site: Site) -> None:
    process = follow(site, "bad", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.endswith("Error: bad: the build broke\n  mend it\n") and "(not finished)" in err


def test_ctrl_c_cancels_the_job_and_says_so(site: Site, tmp_path: Path) -> None:
    process = follow(site, "slow", str(tmp_path / "marker"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until((tmp_path / "marker").exists, unless=lambda: process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Cancelling slow" in err and "slow cancelled after" in err
    assert job.listing(site)[0].state == "cancelled" and (tmp_path / "marker.cleaned").exists()


def test_in_a_terminal_progress_is_shown_and_ctrl_c_works(site: Site, tmp_path: Path) -> None:
    master, terminal = pty.openpty()
    marker = tmp_path / "marker"
    process = follow(site, "slow", str(marker), stdin=terminal, stdout=terminal, stderr=terminal,
                     preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, 0x540E, 0)))  # fmt: skip
    os.close(terminal)
    shown, typed = b"", False
    while process.poll() is None or select.select([master], [], [], 0.2)[0]:
        if select.select([master], [], [], 0.1)[0]:
            try:
                shown += os.read(master, 4096)
            except OSError:
                break
        if marker.exists() and b"sleep" in shown and not typed:
            os.write(master, b"\x03")
            typed = True
    os.close(master)
    assert process.wait(30) == 130
    assert b"slow cancelled after" in shown and job.listing(site)[0].state == "cancelled"


def test_jobs_are_listed_and_cancelled(site: Site, tmp_path: Path) -> None:
    done = job.start(site, "good", "job_targets:good").wait(60)
    running = job.start(site, "slow", "job_targets:slow", marker=str(tmp_path / "marker"))
    lines = sb(site, "jobs").stdout.splitlines()
    assert lines[0].split() == ["JOB", "VERB", "STATE", "STARTED", "SECONDS"]
    assert [line.split()[0] for line in lines[1:]] == [running.id, done.id]
    assert sb(site, "jobs", "cancel", running.id).stdout == f"{running.id}: cancelled\n"
    assert "has already succeeded" in sb(site, "jobs", "cancel", done.id).stdout
    assert sb(site, "jobs", "cancel", "nope").returncode == 1


def test_attach_takes_the_newest_that_runs_and_ctrl_c_leaves_it_alone(site: Site, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    running = job.start(site, "slow", "job_targets:slow_after_a_phase", marker=str(marker))
    code = "import sys; from sbkernel.cli.main import main; main(sys.argv[1:])"
    process = subprocess.Popen([sys.executable, "-c", code, "--site", str(site.root), "attach"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None and running.id in process.stdout.readline()
    assert process.stderr is not None and "first" in process.stderr.readline(), "it follows the job"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and f"sb jobs cancel {running.id}" in err
    assert not running.done
    running.stop()
    assert sb(site, "attach").returncode == 1
    assert '"units": 3' in sb(site, "attach", job.start(site, "good", "job_targets:good").wait(60).id).stdout
