"""Records in a real JupyterLab: browsed, compared, run again; and their gallery, without a network."""

import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from keptrecords import record
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

from sbkernel.records.kept.gallery import gallery
from sbkernel.records.kept.listing import records
from sbkernel.site import Site

from .conftest import KERNELSPEC, Lab, Opened, use_theme
from .test_flow import cell_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Open = Callable[..., Opened]
Shot = Callable[[str], None]
A, B = "aa" * 16, "bb" * 16
TRUSTED = """() => { const model = window.jupyterapp.shell.currentWidget.content.model;
    return Array.from(model.cells).every(cell => cell.type !== 'code' || cell.trusted); }"""


def fill(site: Site) -> None:
    """Write records of a nightly run, of which one failed, and two builds that took different times."""
    for hours in range(6):
        record(site, "nightly", status="failed" if hours == 3 else "ok", hours=hours * 24, given={"count": hours})
    for run, hours, took, packed in ((A, 200, 25.0, 111_000_000), (B, 224, 41.5, 123_000_000)):
        phases = [["resolve packages", 2.0], ["install packages", took - 8], ["kernel and initrd", 6.0]]
        timing = {"verb": "genimage", "image": "img", "seconds": took, "phases": phases}
        sizes = {"packed": packed, "packages": 210, "kernel": "6.1.0-28-amd64"}
        entries = [
            {"job": "j", "timing": timing},
            {"image": "img", "digest": run * 2, "sizes": sizes},
            {"boots": {"vn1": took}},
        ]
        record(site, "build", hours=hours, run=run, entries=entries, given={"force": hours == 224})


def test_records_are_browsed_compared_and_run_again(open_notebook: Open, page: Page, shot: Shot, lab: Lab) -> None:
    cells = [
        new_code_cell(
            'image: str = "img"  # which osimage\nforce: bool = False  # anew', metadata={"tags": ["parameters"]}
        ),
        new_code_cell("print('ran', image, force)"),
    ]
    nightly = new_notebook(cells=cells, metadata={"kernelspec": KERNELSPEC, "language_info": {"name": "python"}})
    nbformat.write(nightly, lab.notebooks / "nightly.ipynb")
    with Site.open(lab.site) as site:
        fill(site)
        notebook = open_notebook("records.ipynb")
        notebook.run_all()
        panel = cell_of(notebook, "wb.RecordPanel(")
        expect(panel.get_by_role("checkbox").first).to_be_visible(timeout=60_000)
        panel.get_by_role("searchbox").fill("build")
        boxes = panel.locator(".sbk-rec-list").get_by_role("checkbox")
        expect(boxes).to_have_count(2, timeout=15_000)
        boxes.nth(0).check()
        boxes.nth(1).focus()
        page.keyboard.press("Space")
        panel.get_by_text("Python and command line").click()
        expect(panel).to_contain_text(f"sb records diff {A[:12]} {B[:12]}", timeout=15_000)
        expect(panel.get_by_text("genimage img: install packages")).to_be_visible(timeout=15_000)
        panel.scroll_into_view_if_needed()
        shot("records compared")
        use_theme(page, "Dark")
        shot("records compared dark")

        for box in (boxes.nth(0), boxes.nth(1)):
            box.uncheck()
        panel.get_by_role("searchbox").fill("nightly failed")
        expect(boxes).to_have_count(1, timeout=15_000)
        boxes.check()
        form = panel.locator(".sbk-rec-form")
        form.get_by_label("image", exact=True).fill("other")
        form.get_by_label("force", exact=True).select_option("true")
        expect(panel).to_contain_text("-p image other -p force true", timeout=15_000)
        panel.get_by_role("button", name="Open", exact=True).click()
        expect(panel.locator("iframe")).to_be_visible(timeout=15_000)
        panel.get_by_role("button", name="Run again", exact=True).scroll_into_view_if_needed()
        shot("records again dark")
        use_theme(page, "Light")
        panel.get_by_role("button", name="Run again", exact=True).click()
        expect(panel.locator(".sbk-rec-said")).to_contain_text("it ran: ", timeout=60_000)
        panel.get_by_role("searchbox").fill("other")
        expect(panel.locator(".sbk-rec-status").first).to_have_text("ok", timeout=15_000)
        shot("records again")
        made = records(site).select(image="other").rows[0]
        path = site.records / made.path
        assert "ran other True" in path.read_text()
        (lab.notebooks / "made.ipynb").write_bytes(path.read_bytes())
        (lab.notebooks / "theirs.ipynb").write_text(path.read_text().replace("ran other", "now other"))
    open_notebook("made.ipynb")
    assert page.evaluate(TRUSTED), "what its user ran, JupyterLab trusts"
    open_notebook("theirs.ipynb")
    assert not page.evaluate(TRUSTED)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gallery_opens_from_a_disk_and_searches(chromium: Browser, tmp_path: Path, scheme: str) -> None:
    with Site.open(tmp_path / "site") as site:
        fill(site)
        evil = '<img src=x onerror="document.title=1">'
        record(site, evil, evil, hours=300, given={evil: evil}, text=evil)
        made = gallery(records(site), tmp_path / "a gallery", title="Records of the cluster")
    context = chromium.new_context(offline=True, color_scheme=scheme, viewport={"width": 1280, "height": 700})  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(made.index.as_uri())
    expect(page.get_by_role("status")).to_have_text("9 records")
    if folder := os.environ.get("SBKERNEL_SHOTS"):
        page.screenshot(path=Path(folder) / f"gallery-{scheme}.png")
    page.get_by_role("searchbox").fill("NIGHTLY count=3")
    expect(page.get_by_role("status")).to_have_text("1 of 9 records")
    expect(page.locator("tbody tr")).to_contain_text("failed")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("1 of 9 records")
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Notebook").select_option("build")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.locator("tbody a").first.click()
    expect(page).to_have_title("x")
    assert errors == []
    context.close()
