"""Notebooks that need no built image, run from top to bottom in a real JupyterLab, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import sshhost
from debs import KERNELS, copy_base, make_repository
from nbformat.v4 import new_code_cell
from noderoot import make_root
from playwright.sync_api import Page
from smallbuild import define
from sshd import sshd

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.nodes import simulate
from sbkernel.service.client import Service
from sbkernel.site import Site

from .conftest import Lab, Opened, use_theme, with_values

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
Open = Callable[..., Opened]
Shot = Callable[[str], None]

GIVEN: dict[str, dict[str, Any]] = {
    "start-here": {"count": 2},
    "practise": {"count": 20, "speed": 1000.0, "wait_s": 20, "canaries": 2},
    "benchmarks": {"rows": ["startup"], "runs": 1},
    "records": {},
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_notebook_runs_from_top_to_bottom(name: str, open_notebook: Open, page: Page, lab: Lab, shot: Shot) -> None:
    nbformat.write(with_values(name, GIVEN[name]), lab.notebooks / f"{name}-tried.ipynb")
    try:
        notebook = open_notebook(f"{name}-tried.ipynb")
        notebook.run_all()
        assert notebook.errors() == []
        for theme in ("Light", "Dark"):
            use_theme(page, theme)
            for place in range(notebook.page.locator(".jp-Notebook .jp-CodeCell").count()):
                page.locator(".jp-Notebook .jp-CodeCell").nth(place).scroll_into_view_if_needed()
                shot(f"{name} {theme} {place}")
    finally:
        use_theme(page, "Light")
        with Site.open(lab.site) as site:
            simulate.stop(site)
            Service(site).stop()


def test_a_node_is_captured(open_notebook: Open, lab: Lab, shot: Shot, tmp_path: Path) -> None:
    nbformat.write(with_values("capture", {"node": "n1", "image": "taken"}), lab.notebooks / "capture-tried.ipynb")
    with Site.open(lab.site) as site, sshd(site, "n1", make_root(tmp_path / "root", "debian12"), tmp_path / "sshd"):
        notebook = open_notebook("capture-tried.ipynb")
        notebook.run_all()
        assert notebook.errors() == []
        shot("capture")
        assert Catalog(site).current("taken").packages == 1
        site.delete("node", "n1")


def test_an_image_is_built_elsewhere(open_notebook: Open, lab: Lab, shot: Shot, tmp_path: Path) -> None:
    base, debs, far, pkglist = (tmp_path / name for name in ("base", "debs", "far", "small.pkglist"))
    for directory in (base, debs, far):
        directory.mkdir()
    make_repository(debs)
    pkglist.write_text("own-tool\n" + "".join(f"linux-image-{version}\n" for version in KERNELS))
    notebook = with_values("elsewhere", {"image": "small", "on": sshhost.NAME})
    with Site.open(lab.site) as site, sshhost.ssh_host(far) as host, host.sshd():
        copy_base(site, base)
        define(site, "small", pkglist, f"{base},{debs}")
        reach = f"import os\nos.environ['PATH'] = {str(host.directory / 'bin')!r} + ':' + os.environ['PATH']"
        notebook.cells.insert(0, new_code_cell(reach))
        nbformat.write(notebook, lab.notebooks / "elsewhere-tried.ipynb")
        opened = open_notebook("elsewhere-tried.ipynb")
        opened.run_all()
        assert opened.errors() == []
        shot("elsewhere")
        assert Catalog(site).current("small").packages > 50
