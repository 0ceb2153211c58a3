"""The tiles of JupyterLab's launcher: working copies of the shipped notebooks, made and opened by a click."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from sbkernel import resources
from sbkernel.records import library

from .conftest import IDLE, Lab, use_theme

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def ask(lab: Lab, body: dict[str, str] | None = None) -> object:
    """Ask the extension of the server as the launcher does."""
    request = urllib.request.Request(f"{lab.url}/sbkernel/templates")
    if body is not None:
        xsrf = urllib.request.urlopen(f"{lab.url}/lab").headers.get_all("Set-Cookie") or []
        cookie = next(one.split(";")[0] for one in xsrf if one.startswith("_xsrf"))
        request.data = json.dumps(body).encode()
        request.headers |= {"Cookie": cookie, "X-xsrftoken": cookie.partition("=")[2]}
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_the_server_lists_the_notebooks_and_copies_none_twice_under_one_name(lab: Lab) -> None:
    listed = ask(lab)
    assert [one["name"] for one in listed] == [one.name for one in library.templates()]
    assert listed[0] == {"name": "start-here", "label": "Start here", "title": "Start here"}
    (lab.notebooks / "own copies").mkdir(exist_ok=True)
    with ThreadPoolExecutor(4) as at_once:
        wanted = [{"name": "boot", "directory": "own copies"}] * 4
        paths = [made["path"] for made in at_once.map(lambda body: ask(lab, body), wanted)]
    assert sorted(paths) == ["own copies/boot-2.ipynb", "own copies/boot-3.ipynb", "own copies/boot-4.ipynb",
                             "own copies/boot.ipynb"]  # fmt: skip
    shipped = library.source_digest(resources.notebooks() / "boot.ipynb")
    assert {library.source_digest(lab.notebooks / path) for path in paths} == {shipped}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "../define"}, 404), ({"name": "none"}, 404), ({}, 404),
        ({"name": "boot", "directory": "../.."}, 404), ({"name": "boot", "directory": "no such"}, 404),
    ],
)  # fmt: skip
def test_the_server_writes_nowhere_else(lab: Lab, body: dict[str, str], status: int) -> None:
    before = sorted(lab.site.parent.iterdir())
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(lab, body)
    assert caught.value.code == status
    assert sorted(lab.site.parent.iterdir()) == before


def test_a_tile_makes_a_copy_and_opens_it(page: Page, lab: Lab, shot: Callable[[str], None]) -> None:
    page.goto(f"{lab.url}/lab?reset")
    page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('launcher:create')", timeout=90_000)
    page.evaluate("() => window.jupyterapp.commands.execute('launcher:create')")
    title = page.locator(".jp-Launcher-sectionTitle", has_text=re.compile("^Stateless images$"))
    tiles = page.locator(".jp-Launcher-section").filter(has=title).locator(".jp-LauncherCard")
    expect(tiles).to_have_count(len(library.templates()), timeout=60_000)
    assert [tile.inner_text().strip() for tile in tiles.all()][:4] == ["Start here", "Define", "Build", "Boot"]
    tiles.first.scroll_into_view_if_needed()
    shot("launcher light")
    use_theme(page, "Dark")
    shot("launcher dark")
    use_theme(page, "Light")
    assert not (lab.notebooks / "practise-2.ipynb").exists()
    tiles.filter(has_text="Practise").click()
    expect(page.get_by_role("tab", name="practise-2.ipynb")).to_be_visible(timeout=60_000)
    page.wait_for_function(IDLE, timeout=90_000)
    expect(page.get_by_role("heading", name="Practise on a hundred nodes")).to_be_visible()
    assert library.source_digest(lab.notebooks / "practise-2.ipynb") == library.source_digest(
        resources.notebooks() / "practise.ipynb"
    )
    shot("launcher opened")
