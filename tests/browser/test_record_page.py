"""A record opens in a browser without a network, and in a JupyterLab that does not trust it."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, expect

from sbkernel.jobs.events import Progress
from sbkernel.records.export import export
from sbkernel.workbench import ansi, charts, html, job_card

from .conftest import KERNELSPEC, Lab, Opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record with one of each display, and one output that wants the network."""
    progress = Progress(phases=(("download packages", 2.0), ("install packages", 31.0)))
    job = job_card.Snapshot("genimage", "mine", "succeeded", 33.0, progress, ["Setting up vim"], "/log")
    shown = [
        job_card.render(job),
        charts.timeline([("power-on", 0, 0, "action on"), ("kernel", 5, 5, ""), ("login", 40, 35, "prompt")]),
        html.table(["name", "size"], [["vim", "3.1 MB"]], numeric=[1]),
        ansi.console("\x1b[32m[  OK  ]\x1b[0m Started\nvn1 login: "),
        '<img src="https://example.org/beacon.png" alt="beacon"><script>document.title = "run"</script>',
    ]
    outputs = [new_output("display_data", data={"text/html": str(each), "text/plain": "x"}) for each in shown]
    cells = [new_markdown_cell("# A record"), new_code_cell("show()", outputs=outputs)]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC})
    notebook.metadata["sbkernel"] = {"status": "ok", "notebook": "build.ipynb"}
    nbformat.write(notebook, tmp_path / "record.ipynb")
    return tmp_path / "record.ipynb"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_offline_and_asks_nobody(record: Path, chromium: Browser, scheme: str) -> None:
    export(record, record.with_suffix(".html"))
    context = chromium.new_context(offline=True, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    wanted: list[str] = []
    page.on("request", lambda request: wanted.append(request.url))
    page.goto(record.with_suffix(".html").as_uri())
    expect(page.get_by_role("heading", name="A record")).to_be_visible()
    expect(page.get_by_text("install packages")).to_be_visible()
    expect(page.get_by_text("vn1 login:")).to_be_visible()
    assert page.title() == "A record · ok"
    assert wanted == [record.with_suffix(".html").as_uri()]
    context.close()


def test_jupyterlab_shows_it_untrusted_with_its_styles(
    record: Path, open_notebook: Callable[..., Opened], lab: Lab, shot: Callable[[str], None]
) -> None:
    (lab.notebooks / "record.ipynb").write_bytes(record.read_bytes())
    output = open_notebook("record.ipynb").cell(1).locator(".jp-OutputArea")
    expect(output.get_by_text("install packages")).to_be_visible()
    shot("untrusted record")
    bars = output.locator("div[style*='position:absolute'], div[style*='position: absolute']")
    assert bars.count() >= 5
    assert all(bars.nth(n).evaluate("bar => bar.getBoundingClientRect().width") >= 1 for n in range(bars.count()))
    console = output.locator("pre", has_text="vn1 login:")
    assert console.evaluate("screen => getComputedStyle(screen).backgroundColor") == "rgb(18, 23, 29)"
