"""The panels in a real JupyterLab: progress, Cancel, the stop button, the console."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import Lab, Opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

OPEN = """
from sbkernel import workbench as wb
from sbkernel.jobs import job as jobs
from sbkernel.site import Site
site = Site.open()
"""
START = """
job = jobs.start(site, 'genimage', 'small_work:build', image='{image}', steps={steps})
await wb.show(job)
None
"""
ROWS, SCREEN = ".sbk-console-screen .xterm-screen", ".sbk-console-screen"
NEXT = "print('the next cell ' + 'ran')"
Open = Callable[..., Opened]
Shot = Callable[[str], None]


def test_progress_then_html_that_needs_no_kernel(open_notebook: Open, shot: Shot, lab: Lab) -> None:
    notebook = open_notebook("progress.ipynb", OPEN, START.format(image="good", steps=60), NEXT)
    notebook.run_all()
    card = notebook.cell(1).locator(".jp-OutputArea")
    expect(card.get_by_text("running", exact=True)).to_be_visible(timeout=30_000)
    expect(card.get_by_role("button", name="Cancel")).to_be_visible()
    expect(card.get_by_text("install packages", exact=True)).to_be_visible()
    expect(card).to_contain_text("package-3", timeout=10_000)
    shot("job running")
    expect(card.get_by_text("succeeded", exact=True)).to_be_visible(timeout=30_000)
    expect(notebook.cell(2)).to_contain_text("the next cell ran")
    expect(card.get_by_role("button")).to_have_count(0)
    shot("job done")
    kept = [output.data for output in notebook.saved().cells[1].outputs]
    assert [set(data) for data in kept] == [{"text/html", "text/plain"}]
    assert "succeeded" in kept[0]["text/html"]


def test_cancel_stops_the_job_and_the_run(open_notebook: Open, shot: Shot, lab: Lab) -> None:
    notebook = open_notebook("cancel.ipynb", OPEN, START.format(image="stopped", steps=400), NEXT)
    notebook.run_all()
    card = notebook.cell(1).locator(".jp-OutputArea")
    card.get_by_role("button", name="Cancel").click(timeout=30_000)
    expect(card.get_by_text("cancelled", exact=True)).to_be_visible(timeout=15_000)
    expect(notebook.cell(1)).to_contain_text("JobCancelledError")
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    expect(notebook.cell(2)).not_to_contain_text("the next cell ran")
    shot("job cancelled")
    assert not (lab.site / "stopped.built").exists()


def test_the_stop_button_cancels_too(open_notebook: Open, lab: Lab) -> None:
    notebook = open_notebook("interrupt.ipynb", OPEN, START.format(image="interrupted", steps=400), NEXT)
    notebook.run_all()
    card = notebook.cell(1).locator(".jp-OutputArea")
    expect(card.get_by_text("install packages", exact=True)).to_be_visible(timeout=30_000)
    notebook.interrupt()
    expect(card.get_by_text("cancelled", exact=True)).to_be_visible(timeout=15_000)
    expect(notebook.cell(2)).not_to_contain_text("the next cell ran")
    assert not (lab.site / "interrupted.built").exists()


def test_the_console_shows_colours_and_what_comes_later(open_notebook: Open, page: Page, shot: Shot, lab: Lab) -> None:
    notebook = open_notebook(
        "console.ipynb",
        OPEN,
        "log = site.consoles / 'vn1.log'\nlog.write_bytes(b'\\x1b[32m[  OK  ]\\x1b[0m Started ssh.service\\r\\n')\n"
        "view = wb.ConsoleView(site, 'vn1')\nview",
    )
    notebook.run_all()
    page.wait_for_function(console_shows("Started ssh.service"), timeout=30_000)
    with next(lab.site.rglob("vn1.log")).open("ab") as log:
        log.write(b"\r\nvn1 login: ")
    page.wait_for_function(console_shows("vn1 login:"), timeout=15_000)
    expect(page.get_by_role("checkbox", name="typing")).not_to_be_checked()
    bottoms = [page.locator(where).evaluate("e => e.getBoundingClientRect().bottom") for where in (ROWS, SCREEN)]
    assert bottoms[0] <= bottoms[1], "the last row is cut"
    shot("console")


def test_the_image_chooser_shows_what_is_chosen(open_notebook: Open, page: Page, shot: Shot) -> None:
    notebook = open_notebook(
        "chooser.ipynb",
        OPEN,
        "chooser = wb.ImageChooser(site, 'debian12-x86_64-netboot-compute')\nchooser",
        "chooser.value",
    )
    notebook.run_all()
    card = notebook.cell(1).locator(".jp-OutputArea")
    card.get_by_role("combobox").select_option("debian12-x86_64-netboot-service", timeout=30_000)
    expect(card).to_contain_text("service.debian12.x86_64.pkglist")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    expect(notebook.cell(2).locator(".jp-OutputArea")).to_contain_text("'debian12-x86_64-netboot-service'")
    shot("chooser")


def console_shows(text: str) -> str:
    """Return a script that tells whether the terminal of the page shows a text."""
    return f"""() => {{
        const terminal = document.querySelector('.sbk-console-screen')?.terminal;
        if (!terminal) return false;
        const buffer = terminal.buffer.active;
        const lines = [...Array(buffer.length).keys()].map((n) => buffer.getLine(n)?.translateToString(true) ?? '');
        return lines.join('\\n').includes({text!r});
    }}"""
