"""The notebooks that need no built image, run from top to bottom in a real JupyterLab, in both themes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page

from sbkernel import resources
from sbkernel.nodes import simulate
from sbkernel.service.client import Service
from sbkernel.site import Site

from .conftest import Lab, Opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
Open = Callable[..., Opened]
Shot = Callable[[str], None]

GIVEN: dict[str, dict[str, Any]] = {
    "start-here": {"count": 2},
    "practise": {"count": 20, "speed": 1000.0, "wait_s": 20, "canaries": 2},
    "benchmarks": {"rows": ["startup"], "runs": 1},
    "records": {},
}
ENDED = """() => {
    const cells = [...document.querySelectorAll('.jp-CodeCell')];
    const failed = document.querySelector("[data-mime-type='application/vnd.jupyter.error']");
    const ran = cell => /\\[\\d+\\]/.test(cell.querySelector('.jp-InputPrompt').textContent);
    return failed ? 'failed' : cells.length && cells.every(ran) ? 'ran' : '';
}"""
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def with_values(name: str, values: dict[str, Any]) -> nbformat.NotebookNode:
    """Return a shipped notebook with other values in its parameters, as somebody types them."""
    notebook = nbformat.read(resources.notebooks() / f"{name}.ipynb", as_version=4)
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    for key, value in values.items():
        cell.source, changed = re.subn(
            rf"^({key}: [^=]+= )[^#\n]+", rf"\g<1>{json.dumps(value)}  ", cell.source, flags=re.MULTILINE
        )
        assert changed == 1, key
    return notebook


@pytest.mark.parametrize("name", GIVEN)
def test_a_notebook_runs_from_top_to_bottom(name: str, open_notebook: Open, page: Page, lab: Lab, shot: Shot) -> None:
    nbformat.write(with_values(name, GIVEN[name]), lab.notebooks / f"{name}-tried.ipynb")
    try:
        notebook = open_notebook(f"{name}-tried.ipynb")
        notebook.run_all()
        page.wait_for_function(ENDED, timeout=600_000)
        saved = notebook.saved()
        errors = [out for cell in saved.cells for out in cell.get("outputs", ()) if out.output_type == "error"]
        assert errors == []
        for theme, label in THEMES.items():
            page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", label)
            page.wait_for_function(f"() => document.body.dataset.jpThemeLight === '{str(theme == 'light').lower()}'")
            for place in range(notebook.page.locator(".jp-Notebook .jp-CodeCell").count()):
                page.locator(".jp-Notebook .jp-CodeCell").nth(place).scroll_into_view_if_needed()
                shot(f"{name} {theme} {place}")
    finally:
        page.evaluate("() => window.jupyterapp?.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")
        with Site.open(lab.site) as site:
            simulate.stop(site)
            Service(site).stop()
