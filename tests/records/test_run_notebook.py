"""Runs leave true records: of success, failure, a dead kernel, secrets, and nothing where nothing ran."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.sign import NotebookNotary
from papermill.exceptions import PapermillExecutionError

from sbkernel import resources
from sbkernel.errors import NotFoundError, RecordError
from sbkernel.jobs.run import run
from sbkernel.records.kept.listing import records
from sbkernel.records.run import Record, run_notebook
from sbkernel.site import Site

Write = Callable[..., Path]
JOB = "from sbkernel.jobs import job as jobs\nfrom sbkernel.site import Site\nfrom sbkernel import workbench as wb\n"


def read(record: Record) -> nbformat.NotebookNode:
    return nbformat.read(record.path_ipynb, as_version=4)


def statuses(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the status of every cell of ours; papermill adds some of its own."""
    return [cell.metadata.papermill.status for cell in notebook.cells if "papermill" in cell.metadata]


def test_a_run_that_is_good(site: Site, notebook: Write) -> None:
    cells = ["print(image, count)", "import os\nprint(os.environ['SBK_HEADLESS'], os.environ['SBKERNEL_SITE'])"]
    record = run_notebook(site, notebook(*cells), {"image": "my image", "count": 4})
    assert record.ok
    assert re.fullmatch(r"\d{8}T\d{6}Z-small-my_image-ok\.ipynb", record.path_ipynb.name)
    assert record.path_ipynb.parent == site.records / record.path_ipynb.name[:4] / record.path_ipynb.name[4:6]
    assert sorted(path.name for path in record.path_ipynb.parent.iterdir()) == sorted(
        [record.path_ipynb.name, record.path_html.name]
    )
    made = read(record)
    assert [cell.outputs[0].text for cell in made.cells[3:]] == ["my image 4\n", f"1 {site.root}\n"]
    about = made.metadata.sbkernel
    assert about.status == "ok"
    assert about.parameters == ["count", "image"]
    assert {"host", "user", "version", "argv", "notebook", "jobs", "digests"} <= set(about)
    assert NotebookNotary().check_signature(made)
    made.cells[-1].outputs[0].text = "something else"
    assert not NotebookNotary().check_signature(made)


def test_what_a_job_made_is_in_the_record(site: Site, notebook: Write) -> None:
    start = "job = jobs.start(Site.open(), 'packimage', 'record_targets:quick', image=image)\ndone = await wb.show(job)"
    record = run_notebook(site, notebook(JOB + start), {"image": "mine"})
    made = read(record)
    assert made.metadata.sbkernel.digests == {"mine": "ab" * 32}
    assert list(record.jobs) == made.metadata.sbkernel.jobs
    assert len(record.jobs) == 1
    (output,) = made.cells[-1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert "succeeded" in output.data["text/plain"]
    assert "widgets" not in made.metadata


def test_a_cell_that_fails(site: Site, notebook: Write) -> None:
    record = run_notebook(site, notebook("1", "raise ValueError('no <disk>')", "3"))
    assert record.status == "failed"
    assert record.error == "ValueError: no <disk>"
    assert statuses(read(record)) == ["completed", "completed", "completed", "failed", "pending"]
    page = record.path_html.read_text()
    assert "no &lt;disk&gt;" in page
    assert "not run" in page


def test_a_kernel_that_dies(site: Site, notebook: Write) -> None:
    record = run_notebook(site, notebook("1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "3"))
    assert record.status == "kernel-died"
    assert "the kernel died" in str(record.error)
    (listed,) = records(site)
    assert listed.status == "kernel-died" and "the kernel died" in listed.error
    assert statuses(read(record)) == ["completed", "completed", "completed", "failed", "pending"]
    assert record.path_html.exists()


def test_a_cell_that_takes_too_long_is_interrupted(site: Site, notebook: Write, tmp_path: Path) -> None:
    source = notebook("import time\ntry:\n    time.sleep(60)\nfinally:\n    print('cleaned up')")
    output = tmp_path / "out.ipynb"
    options = {"engine_name": "sbkernel", "kernel_name": "python3", "progress_bar": False}
    with pytest.raises(PapermillExecutionError):
        papermill.execute_notebook(source, output, execution_timeout=2, **options)
    made = nbformat.read(output, as_version=4)
    assert made.metadata.sbkernel.status == "failed"
    assert any(out.get("text") == "cleaned up\n" for out in made.cells[-1].outputs)


def test_secrets_are_in_no_part_of_a_record(site: Site, notebook: Write) -> None:
    site.set("passwd", "ipmi", username="root", password="hunter2&more")
    cells = ["password = Site.open().secret('ipmi').reveal()\nprint('it is', password)\nprint([password])", "image"]
    source = notebook("from sbkernel.site import Site", cells[0], "raise ValueError(password)", cells[1])
    record = run_notebook(site, source, {"image": "hunter2&more"})
    for path in (record.path_ipynb, record.path_html):
        assert "hunter2" not in path.name + path.read_text()
    assert "it is ***" in record.path_ipynb.read_text()


def test_a_view_ends_with_its_cell_whoever_is_awaited(site: Site, notebook: Write) -> None:
    start = "job = jobs.start(Site.open(), 'packimage', 'record_targets:quick', image=image)\nwb.show(job)\nawait job"
    made = read(run_notebook(site, notebook(JOB + start + "\nNone"), {"image": "mine"}))
    assert "succeeded" in made.cells[-1].outputs[0].data["text/plain"]
    assert made.metadata.sbkernel.digests == {"mine": "ab" * 32}


@pytest.mark.parametrize("values", [{"imge": "x"}, {"count": "4"}, {"force": "false"}])
def test_wrong_parameters_run_nothing(site: Site, notebook: Write, values: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        run_notebook(site, notebook("1"), values)
    assert list(site.records.rglob("*")) == []


def test_an_unknown_notebook_runs_nothing(site: Site) -> None:
    with pytest.raises(NotFoundError):
        run_notebook(site, "nothing-of-that-name")


def test_two_runs_in_a_second_are_two_records(site: Site, notebook: Write) -> None:
    records = {run_notebook(site, notebook(name="a")).path_html for _ in range(2)}
    assert len(records) == 2


def test_plain_papermill_and_the_engine_by_name_work_too(site: Site, notebook: Write, tmp_path: Path) -> None:
    source = notebook("print(image)")
    for options in (["-k", "python3"], ["-k", "python3", "--engine", "sbkernel"]):
        output = tmp_path / "out.ipynb"
        run([sys.executable, "-m", "papermill", str(source), str(output), "-p", "image", "x", *options])
        made = nbformat.read(output, as_version=4)
        assert made.cells[-1].outputs[0].text == "x\n"
        assert ("sbkernel" in made.metadata) == ("--engine" in options)


def test_the_shipped_define_notebook_runs_both_ways(site: Site, tmp_path: Path) -> None:
    record = run_notebook(site, "define", {"image": "mine"})
    assert record.ok, record.error
    assert "mine" in site.osimages
    shipped = resources.notebooks() / "define.ipynb"
    papermill.execute_notebook(shipped, tmp_path / "out.ipynb", kernel_name="python3", progress_bar=False)
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    mimes = {mime for cell in made.cells for out in cell.get("outputs", ()) for mime in out.get("data", ())}
    assert mimes == {"text/html", "text/plain"}


def test_a_record_is_as_private_as_its_user_wants(site: Site, notebook: Write, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        record = run_notebook(site, notebook("1"))
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (record.path_ipynb, record.path_html)] == [0o600, 0o600]
    kept, link = tmp_path / "kept.ipynb", tmp_path / "link.ipynb"
    kept.touch()
    kept.chmod(0o640)
    link.symlink_to(kept)
    papermill.execute_notebook(notebook("1"), link, engine_name="sbkernel", kernel_name="python3", progress_bar=False)
    assert link.is_symlink() and kept.stat().st_mode & 0o777 == 0o640
    assert nbformat.read(kept, as_version=4).metadata.sbkernel.status == "ok"
