"""A run that is stopped ends its jobs, and its record says so."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from waiting import until

from sbkernel.jobs import job as jobs
from sbkernel.records.kept.listing import records
from sbkernel.records.kept.prune import prune
from sbkernel.records.names import is_running
from sbkernel.site import Site

Write = Callable[..., Path]
JOB = (
    "from sbkernel.jobs import job as jobs\nfrom sbkernel.site import Site\nfrom sbkernel import workbench as wb\n"
    "job = jobs.start(Site.open(), 'genimage', 'record_targets:slow')\nawait wb.show(job)"
)


def start(site: Site, notebook: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "run", str(notebook)]
    return subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ.copy())


def only_record(site: Site) -> nbformat.NotebookNode:
    (path,) = site.records.rglob("*.ipynb")
    assert path.with_suffix(".html").exists()
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_the_job_and_ends_the_run(site: Site, notebook: Write, number: signal.Signals) -> None:
    process = start(site, notebook(JOB, "print('next')"))
    until(lambda: [job for job in jobs.listing(site) if job.progress.phase])
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert [job.state for job in jobs.listing(site)] == ["cancelled"]
    made = only_record(site)
    assert made.metadata.sbkernel.status == "interrupted"
    statuses = [cell.metadata.papermill.status for cell in made.cells if "papermill" in cell.metadata]
    assert statuses == ["completed", "completed", "failed", "pending"]
    html = [out.data["text/plain"] for cell in made.cells for out in cell.get("outputs", ()) if "data" in out]
    assert "cancelled" in html[0]


def test_a_cell_that_hides_the_interrupt_is_the_last(site: Site, notebook: Write, tmp_path: Path) -> None:
    hides = f"import pathlib, time\npathlib.Path({str(tmp_path / 'started')!r}).touch()\ntry:\n    time.sleep(60)\n"
    process = start(site, notebook(hides + "except KeyboardInterrupt:\n    pass", "print('next')"))
    until((tmp_path / "started").exists)
    process.terminate()
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    made = only_record(site)
    assert made.metadata.sbkernel.status == "interrupted"
    assert made.cells[-1].metadata.papermill.status == "pending"


def test_a_second_signal_kills_a_kernel_that_does_not_listen(site: Site, notebook: Write, tmp_path: Path) -> None:
    started, asked = tmp_path / "started", tmp_path / "asked"
    deaf = (
        f"import pathlib, signal, time\n"
        f"signal.signal(signal.SIGINT, lambda *_: pathlib.Path({str(asked)!r}).touch())\n"
        f"pathlib.Path({str(started)!r}).touch()\nwhile True:\n    time.sleep(600)"
    )
    process = start(site, notebook(deaf))
    until(started.exists)
    process.terminate()
    until(asked.exists)
    process.terminate()
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert only_record(site).metadata.sbkernel.status == "interrupted"


def test_a_run_that_is_killed_leaves_what_was_saved(site: Site, notebook: Write, tmp_path: Path) -> None:
    process = start(
        site, notebook("print('done')", f"open({str(tmp_path / 'started')!r}, 'w')\nimport time\ntime.sleep(60)")
    )
    until((tmp_path / "started").exists)
    process.kill()
    process.communicate(timeout=30)
    (path,) = site.records.rglob("*-running.ipynb")
    made = json.loads(path.read_text())
    assert made["metadata"]["sbkernel"]["status"] == "running"
    assert made["cells"][2]["outputs"][0]["text"] == ["done\n"]
    assert not is_running(path), "the name says running, the lock says that nobody runs it"
    (listed,) = records(site)
    assert (listed.status, listed.notebook, listed.image) == ("interrupted", "small", "compute")
    assert prune(site, keep_days=1e-9).gone and not list(site.records.rglob("*.ipynb"))


def test_while_it_runs_it_is_locked_whenever_anybody_looks(site: Site, notebook: Write, tmp_path: Path) -> None:
    go = tmp_path / "go"
    busy = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.01)"
    process = start(site, notebook("1", busy))
    (path,) = until(lambda: list(site.records.rglob("*-running.ipynb")))
    assert all(is_running(path) and json.loads(path.read_text())["metadata"]["sbkernel"] for _ in range(500))
    go.touch()
    process.communicate(timeout=60)
    assert process.returncode == 0 and not is_running(path)
