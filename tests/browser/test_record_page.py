"""A record opens in a browser without a network, and in a JupyterLab that does not trust it."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, expect

from sbkernel.jobs.events import Progress
from sbkernel.records.export import export
from sbkernel.workbench import charts, html
from sbkernel.workbench.jobs import job_card
from sbkernel.workbench.nodes import ansi

from .conftest import KERNELSPEC, Lab, Opened, use_theme

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def beacon() -> Iterator[socket.socket]:
    """A server that nobody should call: a call waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def record(tmp_path: Path, beacon: socket.socket) -> Path:
    """A record with one of each display, and one output that would ask `beacon`."""
    host, port = beacon.getsockname()
    progress = Progress(phases=(("download packages", 2.0), ("install packages", 31.0)))
    job = job_card.JobSnapshot("genimage", "mine", "succeeded", 33.0, progress, ["Setting up vim"], "/log")
    shown = [
        job_card.render(job),
        charts.timeline([("power-on", 0, 0, "action on"), ("kernel", 5, 5, ""), ("login", 40, 35, "prompt")]),
        html.table(["name", "size"], [["vim", "3.1 MB"]], numeric=[1]),
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
    record: Path, chromium: Browser, beacon: socket.socket, scheme: str, offline: bool
) -> None:
    export(record, record.with_suffix(".html"))
    context = chromium.new_context(offline=offline, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(record.with_suffix(".html").as_uri(), wait_until="networkidle")
    expect(page.get_by_role("heading", name="A record")).to_be_visible()
    expect(page.get_by_text("install packages")).to_be_visible()
    expect(page.get_by_text("vn1 login:")).to_be_visible()
    assert page.title() == "A record · ok"
    with pytest.raises(BlockingIOError):
        beacon.accept()
    context.close()


def test_jupyterlab_shows_it_untrusted_with_its_styles(
    record: Path, open_notebook: Callable[..., Opened], lab: Lab, shot: Callable[[str], None]
) -> None:
    (lab.notebooks / "record.ipynb").write_bytes(record.read_bytes())
    notebook = open_notebook("record.ipynb")
    output = notebook.cell(1).locator(".jp-OutputArea")
    expect(output.get_by_text("install packages")).to_be_visible()
    shot("untrusted record")
    use_theme(notebook.page, "Dark")
    shot("untrusted record dark")
    use_theme(notebook.page, "Light")
    bars = output.locator("div[style*='position:absolute'], div[style*='position: absolute']")
    assert bars.count() >= 5
    assert all(bars.nth(n).evaluate("bar => bar.getBoundingClientRect().width") >= 1 for n in range(bars.count()))
    console = output.locator("pre", has_text="vn1 login:")
    assert console.evaluate("screen => getComputedStyle(screen).backgroundColor") == "rgb(18, 23, 29)"
