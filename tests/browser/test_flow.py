"""The notebooks of the flow in a real JupyterLab: a real image is built there and boots on a virtual node."""

from collections.abc import Callable

import nbformat
import pytest
from playwright.sync_api import Page, expect

from sbkernel.jobs import job as jobs
from sbkernel.service.client import Service
from sbkernel.service.verbs import rpower
from sbkernel.site import Site

from .conftest import Lab, Opened, with_values
from .test_panels import console_shows

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

Open = Callable[..., Opened]
Shot = Callable[[str], None]
IMAGE = "mycomputeimage"


def cell_of(opened: Opened, text: str):
    """Return the output of the code cell that holds a text."""
    return opened.page.locator(".jp-CodeCell").filter(has_text=text).locator(".jp-OutputArea")


def prompt_of(opened: Opened, text: str):
    """Return the prompt of the code cell that holds a text: [*] while it waits or runs."""
    return opened.page.locator(".jp-CodeCell").filter(has_text=text).locator(".jp-InputPrompt")


def test_cancel_in_the_build_notebook_publishes_nothing(open_notebook: Open, shot: Shot, lab: Lab) -> None:
    with Site.open(lab.site) as site:
        if IMAGE not in site.osimages:
            site.clone("debian12-x86_64-netboot-compute", IMAGE)
        notebook = open_notebook("build.ipynb")
        notebook.run_all()
        build = cell_of(notebook, "genimage = order_genimage")
        expect(build.get_by_text("running", exact=True)).to_be_visible(timeout=120_000)
        expect(build.get_by_text("install packages", exact=True)).to_be_visible(timeout=120_000)
        shot("build running")
        build.get_by_role("button", name="Cancel").click()
        expect(build.get_by_text("cancelled", exact=True)).to_be_visible(timeout=60_000)
        expect(build).to_contain_text("JobCancelledError", timeout=30_000)
        expect(prompt_of(notebook, "sbkernel.images.packimage")).to_have_text("[ ]:")
        shot("build cancelled")
        assert [(job.verb, job.state) for job in jobs.listing(site)][:1] == [("genimage", "cancelled")]
        assert not any(job.verb == "packimage" for job in jobs.listing(site))
        assert not list(site.catalog.glob("*/image.json"))


def test_the_build_notebook_builds_and_packs(open_notebook: Open, shot: Shot) -> None:
    notebook = open_notebook("build.ipynb")
    notebook.run_all()
    build = cell_of(notebook, "genimage = order_genimage")
    expect(build).to_contain_text("install packages", timeout=120_000)
    expect(build.get_by_text("succeeded", exact=True)).to_be_visible(timeout=900_000)
    pack = cell_of(notebook, "sbkernel.images.packimage")
    expect(pack.get_by_text("succeeded", exact=True)).to_be_visible(timeout=300_000)
    expect(cell_of(notebook, "wb.image_version(version)")).to_contain_text("published", timeout=60_000)
    expect(cell_of(notebook, "wb.weights(version)")).to_contain_text("MB", timeout=60_000)
    shot("build done")


def test_the_update_notebook_says_that_nothing_is_new(open_notebook: Open, shot: Shot, lab: Lab) -> None:
    nbformat.write(with_values("update", {"testboot": False}), lab.notebooks / "update-tried.ipynb")
    notebook = open_notebook("update-tried.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    expect(cell_of(notebook, 'done["decision"]')).to_contain_text("nothing to do: nodes boot what its lists mean")
    shot("update")


def test_the_boot_notebook_shows_the_console_reaching_login(
    open_notebook: Open, page: Page, shot: Shot, lab: Lab
) -> None:
    with Site.open(lab.site) as site:
        try:
            notebook = open_notebook("boot.ipynb")
            notebook.run_all()
            page.wait_for_function(console_shows("iPXE"), timeout=120_000)
            shot("boot started")
            page.wait_for_function(console_shows("vn1 login:"), timeout=900_000)
            cell_of(notebook, "consoles = [").scroll_into_view_if_needed()
            shot("boot console at login")
            timeline = cell_of(notebook, "reported = await boots")
            expect(timeline).to_contain_text("userspace", timeout=120_000)
            digest = cell_of(notebook, "assert set(reported.values())")
            expect(digest).to_contain_text("published", timeout=60_000)
            timeline.scroll_into_view_if_needed()
            shot("boot timeline")
            page.get_by_role("checkbox", name="typing").check()
            expect(page.get_by_text("what you type goes to the node")).to_be_visible(timeout=30_000)
            page.keyboard.type("nobody\n")
            page.wait_for_function(console_shows("Password:"), timeout=120_000)
            page.get_by_role("checkbox", name="typing").uncheck()
            expect(page.get_by_text("what you type goes to the node")).to_have_count(0)
            table = cell_of(notebook, "wb.NodeTable(site, nodes)")
            table.get_by_role("button", name="Off").click()
            table.get_by_role("button", name="Off vn1?").click()
            expect(table.get_by_role("cell", name="off", exact=True)).to_be_visible(timeout=60_000)
            table.scroll_into_view_if_needed()
            shot("node off")
        finally:
            if "vn1" in site.nodes:
                rpower(site, "vn1", "off")
            Service(site).stop()
