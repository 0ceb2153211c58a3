"""A record opens in a browser without a network, and in a JupyterLab that does not trust it."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import keptrecords
import nbformat
import pytest
import shownvalues
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packedtwice import pack_twice
from playwright.sync_api import Browser, Page, expect

from sbkernel.jobs.events import Progress
from sbkernel.records.export import export
from sbkernel.records.kept.gallery import gallery
from sbkernel.records.kept.listing import records
from sbkernel.site import Site
from sbkernel.workbench import charts, html
from sbkernel.workbench.displays import html_of
from sbkernel.workbench.jobs import job_card
from sbkernel.workbench.nodes import ansi

from .conftest import KERNELSPEC, Lab, Opened, use_theme
from .pagecheck import faint

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Scheme = Literal["light", "dark"]


@pytest.fixture
def beacon() -> Iterator[socket.socket]:
    """A server that nobody should call: a call waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def record(tmp_path: Path, beacon: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record with one of each display, and one output that would ask `beacon`."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "workbench"), prepend=os.pathsep)
    with Site.open(tmp_path / "shown") as site:
        pack_twice(site, tmp_path)
    there: dict[str, Any] = {}
    exec(shownvalues.BEGIN.format(site=str(tmp_path / "shown")), there)
    host, port = beacon.getsockname()
    progress = Progress(phases=(("download packages", 2.0), ("install packages", 31.0)))
    job = job_card.JobSnapshot("genimage", "mine", "succeeded", 33.0, progress, ["Setting up vim"], "/log")
    shown = [
        job_card.render(job),
        charts.timeline([("power-on", 0, 0, "action on"), ("kernel", 5, 5, ""), ("login", 40, 35, "prompt")]),
        html.table(["name", "size"], [["vim", "3.1 MB"]], numeric=[1]),
        html.card(*(html.chip(tone, tone) for tone in html.TONES), html.muted("quiet"), html.log("a line")),
        html.card(*(html.div(tone, style=html.edge(tone)) for tone in html.TONES)),
        *(html_of(eval(value, there)) for value in shownvalues.SHOWS),
        ansi.console("\x1b[32m[  OK  ]\x1b[0m Started\nvn1 login: "),
        f'<img src="http://{host}:{port}/x.png" alt="beacon"><script>document.title = "run"</script>',
    ]
    outputs = [new_output("display_data", data={"text/html": str(each), "text/plain": "x"}) for each in shown]
    cells = [new_markdown_cell("# A record"), new_code_cell("show()", outputs=outputs)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
    notebook.metadata["sbkernel"] = {"status": "ok", "notebook": "build.ipynb"}
    nbformat.write(notebook, tmp_path / "record.ipynb")
    return tmp_path / "record.ipynb"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("offline", [True, False], ids=["offline", "online"])
def test_it_opens_without_asking_anybody(
    record: Path, chromium: Browser, beacon: socket.socket, scheme: Scheme, offline: bool
) -> None:
    export(record, record.with_suffix(".html"))
    context = chromium.new_context(offline=offline, color_scheme=scheme)
    page = context.new_page()
    page.goto(record.with_suffix(".html").as_uri(), wait_until="networkidle")
    expect(page.get_by_role("heading", name="A record")).to_be_visible()
    expect(page.get_by_text("install packages")).to_be_visible()
    expect(page.get_by_text("vn1 login:")).to_be_visible()
    assert page.title() == "A record · ok"
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert faint(page.locator("body")) == []
    with pytest.raises(BlockingIOError):
        beacon.accept()
    context.close()


def test_what_has_too_little_contrast_is_found(page: Page) -> None:
    page.set_content(
        '<body style="background:#fff;color:#000"><p style="opacity:0.5">pale</p><p style="opacity:0.7">read</p>'
        '<p style="background:#cf3c31;color:#fff">on red</p><p style="background:rgba(0,0,0,0.5)">on grey</p>'
        '<p style="color:#d9453a">red</p><p hidden style="color:#eee">hidden</p></body>'
    )
    assert [found.split(":")[0] + found.partition(" ")[2][:6] for found in faint(page.locator("body"))] == [
        "3.98pale: ", "4.32red: <",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_gallery_can_be_read_in_both_themes(chromium: Browser, scheme: Scheme, tmp_path: Path) -> None:
    with Site.open(tmp_path / "site") as site:
        for number, status in enumerate(("ok", "failed", "running", "interrupted")):
            keptrecords.record(site, hours=number, status=status)
        gallery(records(site), tmp_path / "gallery")
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto((tmp_path / "gallery/index.html").as_uri(), wait_until="networkidle")
    expect(page.get_by_role("row")).to_have_count(5)
    assert faint(page.locator("body")) == []
    context.close()


def test_jupyterlab_shows_it_untrusted_with_its_styles(
    record: Path, open_notebook: Callable[..., Opened], lab: Lab, shot: Callable[[str], None]
) -> None:
    (lab.notebooks / "record.ipynb").write_bytes(record.read_bytes())
    notebook = open_notebook("record.ipynb")
    output = notebook.cell(1).locator(".jp-OutputArea")
    expect(output.get_by_text("install packages")).to_be_visible()
    shot("untrusted record")
    pale = faint(output)
    use_theme(notebook.page, "Dark")
    shot("untrusted record dark")
    pale += faint(output)
    use_theme(notebook.page, "Light")
    bars = output.locator("div[style*='position:absolute'], div[style*='position: absolute']")
    assert bars.count() >= 5
    assert all(bars.nth(n).evaluate("bar => bar.getBoundingClientRect().width") >= 1 for n in range(bars.count()))
    console = output.locator("pre", has_text="vn1 login:")
    assert console.evaluate("screen => getComputedStyle(screen).backgroundColor") == "rgb(18, 23, 29)"
    assert pale == []
