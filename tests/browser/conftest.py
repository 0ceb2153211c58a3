"""A real JupyterLab, started by `sb lab`, in headless Chromium."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, sync_playwright
from waiting import until

from sbkernel import resources

HERE = Path(__file__).resolve().parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
KERNELSPEC = {"name": "sbkernel", "display_name": "sbkernel", "language": "python"}
OF_A_RESTART = "Canceled future for kernel_info_request"
"""JupyterLab says so of a question of its own, when the kernel that it asked is restarted."""
IDLE = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.context?.sessionContext;
    return !!(context?.isReady && context.session?.kernel?.status === 'idle');
}"""

ENDED = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent);
    return /\\[\\d+\\]/.test(prompts[0]) && !prompts.some(one => one.includes('*'));
}"""
"""Every cell has run, or one has failed, after which none waits any more."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Chromium for the tests of this directory; not the plugin's, whose event loop would outlive them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page in a fresh session that reports errors of its scripts."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not [error for error in errors if not error.startswith(OF_A_RESTART)]


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab on a site."""

    url: str
    site: Path
    notebooks: Path


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory, layers: Path) -> Iterator[Lab]:
    """JupyterLab as `sb lab --no-browser` starts it, on a new site."""
    root = tmp_path_factory.mktemp("lab")
    config = root / "config"
    config.mkdir()
    (config / "jupyter_lab_config.py").write_text(
        "c.IdentityProvider.token = ''\nc.LabApp.expose_app_in_browser = True\nc.ServerApp.port_retries = 0\n"
    )
    port = _free_port()
    # What a user has set up must not decide; XDG_DATA_HOME is where Jupyter keeps the rest.
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "IPYTHONDIR": str(root / "ipython"),
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),  # this checkout, not an installed one
    }
    site = root / "site"
    site.mkdir()
    (site / "cache").symlink_to(layers)
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site), "lab", "--no-browser", f"--port={port}"]
    with (root / "lab.log").open("w") as log:
        process = subprocess.Popen(argv, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_it_answers(process, f"http://127.0.0.1:{port}", root / "lab.log")
        yield Lab(f"http://127.0.0.1:{port}", site, site / "notebooks")
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    def answers() -> bool:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/api/status", timeout=5).close()
            return True
        return False

    until(answers, 90, every_s=0.2, unless=lambda: process.poll() is not None, seen=lambda: log.read_text()[-3000:])


class Opened:
    """A notebook that is open in a page."""

    def __init__(self, page: Page, lab: Lab, name: str) -> None:
        self.page, self.path = page, lab.notebooks / name
        page.goto(f"{lab.url}/lab/tree/{name}?reset")
        page.wait_for_function(IDLE, timeout=90_000)

    def run_all(self) -> None:
        """Press Run All; does not wait (the command settles only when the cells have)."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")

    def errors(self, timeout_ms: int = 600_000) -> list[str]:
        """Wait until every cell has run, or one has failed; return what failed."""
        self.page.wait_for_function(ENDED, timeout=timeout_ms)
        outputs = (out for cell in self.saved().cells for out in cell.get("outputs", ()))
        return [f"{out.ename}: {out.evalue}" for out in outputs if out.output_type == "error"]

    def interrupt(self) -> None:
        """Press the stop button."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:interrupt-kernel'); }")

    def saved(self) -> nbformat.NotebookNode:
        """Save the notebook and return it."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        return nbformat.read(self.path, as_version=4)

    def cell(self, number: int):
        """Return one cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)


def use_theme(page: Page, name: str) -> None:
    """Choose a theme, Light or Dark, and wait until it is there and its splash has gone.

    Of two splashes at once JupyterLab takes away one twice, which is an error on the page.
    """
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", f"JupyterLab {name}"
    )
    is_light = str(name == "Light").lower()
    page.wait_for_function(
        f"() => document.body.dataset.jpThemeLight === '{is_light}' && !document.getElementById('jupyterlab-splash')",
        timeout=60_000,
    )


def with_values(name: str, values: Mapping[str, object]) -> nbformat.NotebookNode:
    """Return a shipped notebook with other values in its parameters, as somebody types them."""
    notebook = nbformat.read(resources.notebooks() / f"{name}.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    for key, value in values.items():
        line = re.compile(rf"^({key}: [^=]+= )[^#\n]+", re.MULTILINE)
        cell.source, changed = line.subn(rf"\g<1>{value!r}  ", cell.source)
        assert changed == 1, key
    return notebook


@pytest.fixture
def open_notebook(page: Page, lab: Lab) -> Callable[..., Opened]:
    """Open one of the site's notebooks by name, or a new one made of cells."""

    def opened(name: str, *cells: str) -> Opened:
        if cells:
            notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": KERNELSPEC})
            nbformat.write(notebook, lab.notebooks / name)
        return Opened(page, lab, name)

    return opened


@pytest.fixture
def shot(page: Page, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a picture of the page in $SBKERNEL_SHOTS, if that is set."""

    def taken(name: str) -> None:
        if folder := os.environ.get("SBKERNEL_SHOTS"):
            page.screenshot(path=Path(folder) / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png")

    return taken
