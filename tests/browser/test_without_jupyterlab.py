"""What needs a browser but no JupyterLab: the form of a definition, and cards that are narrower than their text."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from packedtwice import pack_twice
from playwright.sync_api import Page, Route, expect

from sbkernel import workbench as wb
from sbkernel.site import Site
from sbkernel.workbench.definitions import definition_panel
from sbkernel.workbench.definitions.definition_editor import Editor
from sbkernel.workbench.displays.definitions import diff as diff_card

STATIC = Path(definition_panel.__file__).parents[1] / "static"
SOURCE = "debian12-x86_64-netboot-compute"
WIDE = "() => [...document.querySelectorAll('div')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
"""How many blocks have more in them than fits beside each other."""
FORM = """
<meta charset="utf-8"><link rel="stylesheet" href="/definitions.css"><div id="here" style="width:900px"></div>
<script type="module">
import panel from "/definitions.js";
const values = { view: VIEW, names: {}, answer: {}, said: {} };
const nothing = () => {};
const model = { get: (key) => values[key], set: (key, value) => { values[key] = value; }, on: nothing, send: nothing };
panel.render({ model, el: document.getElementById("here") });
</script>
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


def serve(page: Page, html: str) -> None:
    """Open a page that gets the scripts and styles of the panels, and nothing else."""

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name == "page":
            route.fulfill(body=html, content_type="text/html")
        elif (STATIC / name).is_file():
            route.fulfill(path=STATIC / name)
        else:
            route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto("http://form.invalid/page")


def test_the_whole_help_of_an_attribute_can_be_read(page: Page, site: Site) -> None:
    editor = Editor(site, "osimage", SOURCE)
    view = {
        "drawn": 1, "types": ["osimage"], "objtype": "osimage", "name": SOURCE, "exists": True,
        "fields": editor.fields(), "table": editor.table(), "done": "",
    }  # fmt: skip
    serve(page, FORM.replace("VIEW", json.dumps(view)))
    row = page.locator(".sbk-def-field", has_text="pkglist").first
    note = row.locator(".sbk-def-note")
    hidden = "note => note.scrollHeight - note.clientHeight"
    more = row.get_by_role("button", name="more about pkglist")
    expect(more).to_have_attribute("aria-expanded", "false")
    assert note.evaluate(hidden) > 1
    more.focus()
    page.keyboard.press("Enter")
    assert note.evaluate(hidden) <= 1
    row.get_by_role("button", name="less about pkglist").click()
    assert note.evaluate(hidden) > 1
    for field in page.locator(".sbk-def-field").all():
        cut = field.locator(".sbk-def-note").evaluate(hidden) > 1
        assert field.get_by_role("button").count() == int(cut), "a button only where there is more"


def test_what_moved_in_a_version_is_shown_whole(page: Page, site: Site, tmp_path: Path) -> None:
    pack_twice(site, tmp_path)
    serve(page, f'<meta charset="utf-8"><div style="width:640px">{wb.growth(site, "img").html}</div>')
    expect(page.get_by_text("1 replaced, +3.0 MB (+26.2 %)")).to_be_visible()
    assert page.evaluate(WIDE) == 0


def test_long_paths_of_a_comparison_are_shown_whole(page: Page, site: Site) -> None:
    site.clone(SOURCE, "mine")
    site.set("osimage", "mine", rootimgdir=f"/install/{'a-rather-long-directory/' * 6}mine")
    card = str(diff_card(site.diff(SOURCE, "mine")))
    serve(page, f'<meta charset="utf-8"><div style="width:640px">{card.replace("<details", "<details open")}</div>')
    expect(page.get_by_text("rootimgdir")).to_be_visible()
    assert page.evaluate(WIDE) == 0
