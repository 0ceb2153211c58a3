"""The page of a record: complete, safe, and loading nothing."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from sbkernel.records.export import RecordExporter, export, summary

HTML = '<div style="color:red">kept</div>'
WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "0", "version_major": 2, "version_minor": 0}}


def made(*outputs: nbformat.NotebookNode, status: str = "ok") -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Build <it>\n\n![x](https://example.org/x.png) and $\\alpha$"),
        new_code_cell("value = '<b>'", outputs=list(outputs)),
    ]
    cells[1].metadata["papermill"] = {"status": "completed", "duration": 61.0}
    metadata = {
        "papermill": {"parameters": {"image": "a<b"}, "start_time": "2026-11-22T10:00:00+00:00", "duration": 61.5},
        "sbkernel": {"status": status, "user": "root", "host": "m<1>", "version": "0.1.0", "notebook": "build.ipynb"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}},
    }
    return new_notebook(cells=cells, metadata=metadata)


def page(notebook: nbformat.NotebookNode) -> str:
    return RecordExporter().from_notebook_node(notebook)[0]


def shown(data: dict[str, object], **metadata: object) -> nbformat.NotebookNode:
    return new_output("display_data", data=data, metadata=metadata)


def test_it_says_what_was_run_by_whom_and_what_came_out() -> None:
    about = {"job": "20261122-genimage", "image": "mine", "digest": "ab" * 32}
    text = page(made(shown({"text/html": HTML}, sbkernel=about)))
    for said in ("ok", "build.ipynb", "root@m&lt;1&gt;", "a&lt;b", "abababababab", "1 min 1 s", "20261122-genimage"):
        assert said in text
    assert HTML in text
    assert "<title>Build &lt;it&gt;" in text


def test_it_runs_nothing_and_may_load_nothing() -> None:
    text = page(
        made(shown({**WIDGET, "text/html": HTML}), shown({"application/javascript": "alert(1)", "text/plain": "x"}))
    )
    assert not re.search(r"<script|<link|@import|url\(\s*['\"]?https?:", text)
    assert "default-src 'none'" in text
    assert "widget-view" not in text


def test_it_is_small() -> None:
    assert len(page(made())) < 20_000


@pytest.mark.parametrize("status", ["ok", "failed", "interrupted", "kernel-died", "running"])
def test_every_status_has_a_page(status: str) -> None:
    assert f">{status}</span>" in page(made(status=status))


def test_a_notebook_of_plain_papermill_or_of_nobody_has_a_page_too() -> None:
    bare = new_notebook(cells=[new_code_cell("1")])
    assert summary(bare)["status"] == "not run"
    bare.metadata["papermill"] = {"start_time": "2026-11-22T10:00:00+00:00", "exception": True}
    assert summary(bare)["status"] == "failed"
    assert "<main>" in page(bare)


def test_export_writes_beside(tmp_path: Path) -> None:
    nbformat.write(made(), tmp_path / "r.ipynb")
    export(tmp_path / "r.ipynb", tmp_path / "r.html")
    assert "Build" in (tmp_path / "r.html").read_text()
