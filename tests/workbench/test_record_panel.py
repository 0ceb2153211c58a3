"""The records panel: it lists, compares and runs again what the functions of the command line do."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from keptrecords import record
from nbformat.v4 import new_code_cell, new_notebook
from waiting import until

import sbkernel.workbench as wb
from sbkernel.jobs import job as jobs
from sbkernel.records.kept.comparison import between
from sbkernel.records.kept.listing import records
from sbkernel.records.kept.told import told
from sbkernel.records.kept.trend import trend
from sbkernel.records.run import run_notebook
from sbkernel.records.working import WorkingFile
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of
from sbkernel.workbench.records import record_panel

TIMING = {"verb": "genimage", "image": "img", "seconds": 20.0, "phases": [["install", 19.0]]}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("SBKERNEL_SITE", str(tmp_path / "site"))
    monkeypatch.setattr(record_panel, "_LOOK_S", 0.05)
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "0")


class Pressed:
    """A panel in a live session, and what its page would send."""

    def __init__(self, panel: wb.RecordPanel) -> None:
        self.panel, self.widget = panel, panel._widget

    def __call__(self, kind: str, **more: Any) -> None:
        self.panel._on_message(self.widget, {"kind": kind, **more})


def notebook(directory: Path) -> Path:
    cells = [
        new_code_cell('image: str = "none"  # which\nforce: bool = False', metadata={"tags": ["parameters"]}),
        new_code_cell("print('ran', image, force)"),
    ]
    path = directory / "small.ipynb"
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def test_it_lists_and_filters_and_says_what_to_type(site: Site, live: None) -> None:
    for hours, status in enumerate(("ok", "failed", "ok")):
        record(site, "build" if hours else "boot", status=status, hours=hours, given={"count": hours})
    press = Pressed(wb.RecordPanel(site))
    assert [row["parameters"] for row in press.widget.view["rows"]] == ["count=2", "count=1", "count=0"]
    assert press.widget.view["choices"]["notebook"] == ["boot", "build"]
    press("filter", words="COUNT=1 bui", status="failed", notebook="", image="")
    assert [row["parameters"] for row in press.widget.view["rows"]] == ["count=1"]
    (call,) = press.panel.calls()
    assert call.python.endswith("records(site).select(words='COUNT=1 bui', status='failed')")
    assert call.command == "sb records ls --search 'COUNT=1 bui' --status failed"
    assert press.panel._foot.calls == [list(call)]
    assert len(press.panel.records) == 1 and "count=1" in str(press.panel.html())


def test_one_is_shown_and_opened_two_are_compared(site: Site, live: None) -> None:
    for hours, run in enumerate(("a" * 32, "b" * 32)):
        record(site, "nightly", hours=hours, run=run, given={"count": hours}, entries=[{"job": "j", "timing": TIMING}])
    press = Pressed(wb.RecordPanel(site))
    press("choose", keys=["b" * 32, "a" * 32])
    assert "count" in press.widget.detail["html"] and "genimage img: install" in press.widget.detail["html"]
    assert press.panel._foot.calls[1][2] == f"sb records diff {'a' * 12} {'b' * 12}"
    press("choose", keys=["a" * 32])
    again = press.widget.detail["again"]
    assert again["problem"] == "no notebook 'nightly.ipynb'" and "--same" in again["remark"] and not again["own"]
    press("open")
    assert press.widget.page["text"].startswith("<title>")
    press("again", same=True, given={})
    assert "not signed by you" in press.widget.detail["again"]["problem"]
    press("rerun", given={})
    assert press.widget.said["tone"] == "bad" and jobs.listing(site) == []


def test_it_runs_again_with_what_was_typed_and_follows_it(site: Site, live: None, tmp_path: Path) -> None:
    first = run_notebook(site, notebook(tmp_path), {"image": "a"})
    press = Pressed(wb.RecordPanel(site))
    follower = threading.Thread(target=press.panel._follow)
    follower.start()
    try:
        (row,) = press.widget.view["rows"]
        press("choose", keys=[row["key"]])
        fields = press.widget.detail["again"]["fields"]
        assert [(one["name"], one["value"], one["values"]) for one in fields] == [
            ("image", "a", []), ("force", "false", ["true", "false"]),
        ]  # fmt: skip
        press("given", given={"force": "true"})
        what, python, command = press.panel._foot.calls[2]
        assert what == "run again" and command.endswith("-p force true") and "given({'force': True})" in python
        press("rerun", given={"force": "perhaps"})
        assert "force must be bool" in press.widget.said["text"]
        press("rerun", given={"force": "true", "image": "b c"})
        until(lambda: press.widget.said.get("tone") == "ok", unless=lambda: press.widget.said.get("tone") == "bad",
              seen=lambda: press.widget.said)  # fmt: skip
        assert len(press.widget.view["rows"]) == 2 and first.path_ipynb.exists()
    finally:
        press.panel.settle()
        follower.join(60)
    made = nbformat.read(site.records / records(site).rows[0].path, as_version=4)
    assert made.cells[-1].outputs[0].text == "ran b c True\n"


def test_states_move_while_a_run_goes_on(site: Site, live: None) -> None:
    path = record(site, status="running", run="a" * 32, page=False)
    file = WorkingFile(path)
    file.write(path.read_text())
    press = Pressed(wb.RecordPanel(site))
    assert [row["status"] for row in press.widget.view["rows"]] == ["running"]
    press("choose", keys=["a" * 32])
    assert not press.widget.detail["page"]
    file.write(path.read_text().replace('"running"', '"ok"'))
    path.rename(path.with_name(path.name.replace("running", "ok")))
    file.close()
    press.panel._look(site)
    assert [(row["status"], row["key"]) for row in press.widget.view["rows"]] == [("ok", "a" * 32)]
    assert press.widget.detail["page"] and ">ok<" in press.widget.detail["html"]


def test_headless_it_is_the_list(site: Site) -> None:
    assert "none" in str(wb.RecordPanel(site).html()) and wb.RecordPanel(site).text() == "no records"
    record(site)
    shown = wb.RecordPanel(site, image="img")
    assert shown._widget is None and "ann@head" in str(shown.html()) and "img" in shown.text()


def test_values_are_shown_without_script_or_style_sheet(site: Site) -> None:
    evil = "<script>alert(1)</script>"
    sizes = {"image": "img", "digest": "ab" * 32, "sizes": {"packed": 9_000_000, "packages": 7, "kernel": "6.1"}}
    for hours in range(2):
        entries = [{"job": "j", "timing": TIMING}, sizes, {"boots": {"vn1": 9.0 + hours}}]
        record(site, evil, hours=hours, given={"x": evil * hours}, entries=entries, who=evil)
    found = records(site)
    values = (found, told(found, found.rows[0]), between(found), trend(found, "img"))
    for value, said in zip(values, ("Records", "signed", "genimage img", "Packed root"), strict=True):
        shown = html_of(value)
        assert said in shown and "<script" not in shown and "<style" not in shown
    assert between(records(site).select(image="no")) is None


def test_the_shipped_notebook_runs(site: Site, tmp_path: Path) -> None:
    for hours in range(3):
        record(site, hours=hours, entries=[{"job": "j", "timing": TIMING}])
    values = {"image": "img", "since": "2026-11-01", "gallery": str(tmp_path / "a gallery")}
    made = run_notebook(site, "records", values)
    assert made.ok, made.error
    assert (tmp_path / "a gallery" / "index.html").exists()
    assert "genimage img: install" in made.path_html.read_text() and made.path_html.stat().st_size < 1_000_000
