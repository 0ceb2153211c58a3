"""The grid of 5,000 nodes, the versions panel, boots side by side; all panels as a keyboard and a reader see them."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packedtwice import pack_twice
from playwright.sync_api import Locator, Page, expect

from sbkernel import workbench
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.netboot import bootlog
from sbkernel.nodes.simulate import simulate
from sbkernel.service.nodestates import STATES
from sbkernel.site import Site

from .conftest import Opened
from .pagecheck import faint, focused, problems

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

STATIC = Path(workbench.__file__).parent / "static"
NODES = 5000
# What anywidget hands to a view, with nodes in racks of 40.
OPEN = """async ([script, style, states, count]) => {
    document.head.append(Object.assign(document.createElement('style'), { textContent: style }));
    const { default: view } = await import(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
    const names = [...Array(count).keys()].map((number) => `cn${String(number).padStart(4, '0')}`);
    const places = [];
    for (let at = 0; at < count; at += 40) places.push([`rack${at / 40}`, names.slice(at, at + 40)]);
    const listeners = {};
    const traits = { legend: states.map((state) => [state, 'ok']), places, chosen: [], noderange: '',
        states: new DataView(new ArrayBuffer(count)) };
    window.model = {
        get: (name) => traits[name],
        set: (name, value) => { traits[name] = value; },
        change: (name, value) => { traits[name] = value; listeners['change:' + name](); },
        on: (name, listener) => { listeners[name] = listener; },
        off: () => {},
        save_changes: () => {},
    };
    const began = performance.now();
    view.render({ model: window.model, el: document.body });
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - began;
}"""
CHANGE = """(indices) => {
    const grid = document.querySelector('.sbk-grid').grid;
    const next = new Uint8Array(window.model.get('states').buffer.slice(0));
    for (const index of indices) next[index] = 3;
    const before = grid.painted, began = performance.now();
    window.model.change('states', new DataView(next.buffer));
    return [grid.painted - before, performance.now() - began];
}"""
Open = Callable[..., Opened]


@pytest.fixture
def grid(page: Page) -> Page:
    """A grid of 5,000 nodes in a page of its own; how long the first picture took is in its title."""
    page.goto("about:blank")
    files = [(STATIC / name).read_text() for name in ("grid.js", "grid.css")]
    took = page.evaluate(OPEN, [*files, list(STATES), NODES])
    print(f"first picture of {NODES} nodes: {took:.0f} ms")
    return page


FAULTY = """() => { document.body.innerHTML = `
    <button></button><button>x</button><input><label>name <input></label><img src="data:,"><canvas width="9"></canvas>
    <table><thead><tr><th>a</th></tr></thead></table><span tabindex="3">x</span><div role="button">x</div>
    <div role="listbox" tabindex="0"></div><b id="same"></b><b id="same"></b>`; }"""


def test_the_check_itself_finds_faults(page: Page) -> None:
    page.goto("about:blank")
    page.evaluate(FAULTY)
    assert [one.partition(":")[0] for one in problems(page.locator("body"))] == [
        "nothing is said of what it does", "no label", "no label", "no alt", "a picture without words",
        "a heading of nothing", "out of the order of the page", "no keyboard gets there", "twice",
    ]  # fmt: skip


def chosen(page: Page) -> list[int]:
    return page.evaluate("window.model.get('chosen')")


def spot(page: Page, of: str, x: str, y: str) -> dict[str, float]:
    """Return a place on the canvas within a cell or a label."""
    one = page.evaluate(f"document.querySelector('.sbk-grid').grid.layout.{of}")
    return {"x": one[x] + 5, "y": one[y] + 7}


def test_the_keyboard_moves_and_chooses(grid: Page) -> None:
    assert problems(grid.locator(".sbk-grid")) == []
    grid.keyboard.press("Tab")
    assert focused(grid.locator("body")) == ("up 5000", True)
    grid.keyboard.press("Enter")
    assert len(chosen(grid)) == NODES
    grid.keyboard.press("Tab")
    grid.keyboard.press("Escape")
    assert chosen(grid) == [] and focused(grid.locator("body"))[1]
    for key in ("ArrowRight", "Space", "ArrowDown", "Enter", "Shift+ArrowRight"):
        grid.keyboard.press(key)
    assert chosen(grid) == [1, 11, 12]
    reads = grid.get_by_role("option")
    expect(reads).to_have_text("cn0012: up, rack0")
    expect(reads).to_have_attribute("aria-selected", "true")
    grid.keyboard.press("End")
    expect(reads).to_have_text("cn4999: up, rack124")
    grid.keyboard.press("g")
    assert chosen(grid) == [1, 11, 12, *range(4960, 5000)]
    grid.keyboard.press("Tab")
    grid.keyboard.press("Tab")
    assert focused(grid.locator("body")) == ("None", True)
    grid.keyboard.press("Space")
    assert chosen(grid) == []


def test_the_mouse_points_and_chooses(grid: Page) -> None:
    canvas = grid.locator(".sbk-grid-box canvas")
    where = spot(grid, "cells[57]", "x", "y")
    canvas.hover(position=where)
    expect(grid.locator(".sbk-grid-tip")).to_have_text("cn0057: up, rack1")
    canvas.click(position=where)
    assert chosen(grid) == [57]
    label = spot(grid, "blocks[1]", "left", "top")
    canvas.click(position=label)
    assert chosen(grid) == [*range(40, 80)]


def test_only_what_has_changed_is_drawn_again(grid: Page) -> None:
    painted, took = grid.evaluate(CHANGE, [7, 4000])
    print(f"2 of {NODES} nodes: {took:.1f} ms")
    assert painted == 2
    expect(grid.get_by_role("button", name="failed 2")).to_be_visible()
    painted, took = grid.evaluate(CHANGE, list(range(500)))
    print(f"500 of {NODES} nodes: {took:.1f} ms")
    assert painted == 499, "one of them had failed already"
    grid.get_by_role("button", name="failed 501").click()
    assert len(chosen(grid)) == 501


GROUND = "document.querySelector('.sbk-grid').grid.ground"
STAGES = ("power-on", "dhcp", "ipxe", "kernel", "initrd", "fetched", "verified", "mounted", "userspace", "login")
BEGIN = """
from sbkernel import workbench as wb
from sbkernel.lists.edit import ListFiles
from sbkernel.service.boots import boots
from sbkernel.service.stuck import BootLooks
from sbkernel.site import Site
site = Site.open({site!r})
"""
CELLS = {
    "grid": "grid = wb.NodeGrid(site)\ngrid",
    "versions": "wb.VersionPanel(site, 'img')",
    "waterfalls": "boots(site, 'sim0001-sim0040')",
    "boots": "view = wb.BootView(site, ['sim0001', 'sim0002'])\nview._since = 0\nview.refresh()\nview",
    "table": "wb.NodeTable(site, 'sim0001-sim0006')",
    "timeline": "wb.timeline(site, 'sim0003')",
    "chooser": "wb.ImageChooser(site, 'img')",
    "diff": "chosen = wb.DiffChooser(site, '', 'img')\nchosen",
    "rows": "wb.DiffTable(chosen)",
    "list": "wb.ListEditor(ListFiles(site, 'img', 'pkglist'))",
    "definition": "wb.DefinitionPanel(site, 'img')",
    "schedules": "wb.SchedulePanel(site)",
    "records": "wb.RecordPanel(site)",
    "console": "wb.ConsoleView(site, 'sim0001')",
}
NUMBER = {name: number for number, name in enumerate(CELLS, start=1)}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """5,000 simulated nodes, of which 40 have booted in different ways, and an image that was packed twice."""
    with Site.open(tmp_path / "site") as opened:
        pack_twice(opened, tmp_path)
        names = simulate(opened, NODES, consoles=False).names
        opened.change("node", {name: {"status": "booted", "provmethod": "img"} for name in names})
        for number, name in enumerate(names[:40]):
            began = time.time() - 4000
            for place, stage in enumerate(STAGES[: len(STAGES) - (number in (1, 2)) * 4]):
                bootlog.append(opened, name, stage, began + place * (2 + number / 10))
        bootlog.append(opened, names[1], "failed", began + 60, reason="sha256 of the root is wrong")
        opened.change("node", {names[1]: {"status": "failed"}, names[2]: {"status": "booting"}})
        opened.change("node", {names[3]: {"held": "alice: waits for a new DIMM"}, names[4]: {"status": "powering-off"}})
        yield opened


def output(notebook: Opened, name: str):
    part = notebook.cell(NUMBER[name])
    part.scroll_into_view_if_needed()
    return part.locator(".jp-OutputArea")


def keep(notebook: Opened, theme: str) -> None:
    """Keep a picture of each panel."""
    for name in CELLS:
        picture(output(notebook, name), f"{name}-{theme}")


def picture(panel: Locator, name: str) -> None:
    """Keep a picture in $SBKERNEL_SHOTS, if that is set."""
    if folder := os.environ.get("SBKERNEL_SHOTS"):
        panel.screenshot(path=Path(folder) / f"panel-{name}.png")


def promote_untested(versions: Locator, page: Page, site: Site) -> None:
    """Promote by the keyboard what the gate keeps out: the field for the reason comes when it refuses, and goes."""
    site.set("osimage", "img", gate="testboot")
    reason = versions.get_by_role("textbox", name="Reason")
    expect(reason).to_be_hidden()
    versions.get_by_role("combobox", name="Version").select_option(index=0)
    versions.get_by_role("button", name="Promote …").press("Enter")
    expect(reason).to_be_focused(timeout=30_000)
    picture(versions, "versions-refused")
    page.keyboard.type("the <lab> is dark")
    page.keyboard.press("Tab")
    # JupyterLab sends what two widgets say to two threads of the kernel: nobody is as fast as to let them race.
    expect(versions).to_contain_text("--untested 'the <lab> is dark'", timeout=30_000)
    page.keyboard.press("Enter")
    expect(versions.get_by_role("button", name="Cancel")).to_be_focused(timeout=30_000)
    expect(versions).to_contain_text("the reason is kept: the <lab> is dark")
    picture(versions, "versions-untested")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(versions.get_by_role("heading", name="Done")).to_be_visible(timeout=30_000)
    expect(reason).to_be_hidden()
    assert Catalog(site).history("img")[0].reason == "the <lab> is dark"


def test_all_panels_in_both_themes(open_notebook: Open, page: Page, site: Site) -> None:
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": 1280, "height": 1400})
    notebook = open_notebook("all-panels.ipynb", BEGIN.format(site=str(site.root)), *CELLS.values())
    notebook.run_all()
    grid = output(notebook, "grid")
    failed = grid.get_by_role("button", name="failed 1", exact=True)
    expect(failed).to_be_visible(timeout=120_000)
    failed.click()
    expect(grid.locator(".sbk-grid-range")).to_have_value("sim0002", timeout=30_000)
    expect(output(notebook, "console").locator(".sbk-console-screen")).to_be_visible(timeout=120_000)
    assert notebook.errors() == []  # until all cells have run, JupyterLab moves the focus to the next one

    versions = output(notebook, "versions")
    before, now = (version.digest for version in reversed(Catalog(site).versions("img")))
    versions.get_by_role("combobox", name="Version").select_option(index=1)
    versions.get_by_role("button", name="Go back …").press("Enter")
    expect(versions).to_contain_text(f"{now[:8]} → {before[:8]}", timeout=30_000)
    expect(versions.get_by_role("button", name="Cancel")).to_be_focused(timeout=30_000)
    assert Catalog(site).pointers("img").current == now
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(versions).to_contain_text("held since", timeout=30_000)
    assert Catalog(site).pointers("img").current == before
    promote_untested(versions, page, site)
    versions.get_by_role("combobox", name="Version").select_option(index=1)
    versions.get_by_role("button", name="Compare").click()
    expect(versions).to_contain_text("libssl3", timeout=30_000)

    expect(output(notebook, "waterfalls")).to_contain_text("sha256 of the root is wrong")
    expect(output(notebook, "boots")).to_contain_text("Why it has failed")
    table = output(notebook, "table")
    expect(table).to_contain_text("alice: waits for a new DIMM")
    table.get_by_role("checkbox", name="sim0001").check()
    hold = table.get_by_role("button", name="Hold …")
    hold.press("Enter")
    page.keyboard.type("mine <now>")
    hold.evaluate("button => button.addEventListener('focus', () => { button.dataset.back = 'yes'; })")
    page.keyboard.press("Enter")
    expect(table).to_contain_text("mine <now>", timeout=30_000)
    expect(table.get_by_role("textbox")).to_be_hidden()
    expect(hold).to_have_attribute("data-back", "yes")  # JupyterLab may take the focus away again

    site.set("node", "sim0100", status="failed")
    expect(output(notebook, "grid").get_by_role("button", name="failed 2", exact=True)).to_be_visible(timeout=30_000)
    colours = page.evaluate("document.querySelector('.sbk-grid').grid.colours")
    assert all(colours.values()) and len(set(colours.values())) >= 5
    said = {name: problems(output(notebook, name)) for name in CELLS}
    pale = {f"{name}, light": faint(output(notebook, name)) for name in CELLS}
    keep(notebook, "light")
    light = page.evaluate(GROUND)
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'", timeout=30_000)
    page.wait_for_function(f"{GROUND} !== {light!r}", timeout=30_000)
    pale |= {f"{name}, dark": faint(output(notebook, name)) for name in CELLS}
    keep(notebook, "dark")
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    assert {name: found for name, found in {**said, **pale}.items() if found} == {}
    assert [text for text in wrong if "Failed to load resource" not in text] == []
