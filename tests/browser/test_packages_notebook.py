"""The packages notebook in a real JupyterLab: choose two versions, filter, see where the bytes are."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell
from packedtwice import pack_twice
from playwright.sync_api import Page, expect

from sbkernel.site import Site

from .conftest import Lab, Opened, use_theme
from .test_flow import cell_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def on_site(lab: Lab, name: str, site: Path) -> str:
    """Return the name of a copy of a notebook that works on another site: no test before has left anything in it."""
    notebook = nbformat.read(lab.notebooks / name, as_version=4)
    notebook.cells.insert(0, new_code_cell(f"import os\nos.environ['SBKERNEL_SITE'] = {str(site)!r}"))
    nbformat.write(notebook, lab.notebooks / f"own-{name}")
    return f"own-{name}"


def test_two_versions_are_chosen_filtered_and_drawn(
    open_notebook: Callable[..., Opened], page: Page, shot: Callable[[str], None], lab: Lab, tmp_path: Path
) -> None:
    with Site.open(tmp_path / "site") as site:
        pack_twice(site, tmp_path)
    notebook = open_notebook(on_site(lab, "packages.ipynb", tmp_path / "site"))
    notebook.run_all()
    chooser = cell_of(notebook, "wb.DiffChooser(site, a, b or image)")
    to = chooser.get_by_role("combobox").nth(1)
    expect(chooser).to_contain_text("mycomputeimage", timeout=60_000)
    to.fill("img")
    to.press("Enter")
    first = chooser.get_by_role("combobox").nth(0)
    first.fill("img@previous")
    first.press("Enter")
    expect(chooser).to_contain_text("libssl1.1 → libssl3", timeout=15_000)
    expect(chooser).to_contain_text("+3.0 MB")
    chooser.scroll_into_view_if_needed()
    shot("packages chosen")

    rows = cell_of(notebook, "wb.DiffTable(chosen)")
    expect(rows).to_contain_text("4 rows")
    rows.get_by_placeholder("name, group or section").fill("slurm")
    expect(rows).to_contain_text("1 of 4 rows", timeout=15_000)
    rows.get_by_role("combobox").select_option("removed")
    expect(rows).to_contain_text("0 of 4 rows", timeout=15_000)
    rows.get_by_placeholder("name, group or section").fill("")
    expect(rows).to_contain_text("1 of 4 rows", timeout=15_000)
    shot("packages filtered")

    chooser.get_by_role("button").first.click()
    expect(chooser).to_contain_text("-3.0 MB", timeout=15_000)
    rows.get_by_role("combobox").select_option("every change")
    expect(rows).to_contain_text("downgraded", timeout=15_000)

    treemap = cell_of(notebook, "wb.treemap(chosen)")
    expect(treemap).to_contain_text("libssl1.1", timeout=15_000)
    expect(treemap).not_to_contain_text("slurmd")
    shot("packages swapped")
    growth = cell_of(notebook, "wb.growth(site, chosen)")
    expect(growth).to_contain_text("openssl, slurm moved")
    growth.scroll_into_view_if_needed()
    shot("packages growth")
    use_theme(page, "Dark")
    treemap.scroll_into_view_if_needed()
    shot("packages dark")
    use_theme(page, "Light")
