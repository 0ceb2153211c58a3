"""The definitions notebook in a real JupyterLab: clone, edit with a word about every value, save, undo."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from sbkernel import lists
from sbkernel.site import Site

from .conftest import Lab, Opened
from .test_flow import cell_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Open = Callable[..., Opened]
Shot = Callable[[str], None]
SERVICE = "debian12-x86_64-netboot-service"


def test_an_image_is_cloned_edited_saved_and_put_back(open_notebook: Open, page: Page, shot: Shot, lab: Lab) -> None:
    with Site.open(lab.site) as site:
        notebook = open_notebook("define.ipynb")
        notebook.run_all()
        panel = cell_of(notebook, "wb.DefinitionPanel(site, image)")
        field = panel.get_by_label
        expect(field("provmethod", exact=True)).to_have_value("netboot", timeout=60_000)
        panel.scroll_into_view_if_needed()
        shot("definitions panel")

        panel.get_by_role("searchbox").fill("service")
        expect(panel.locator(".sbk-def-name")).to_have_text([SERVICE], timeout=15_000)
        panel.locator(".sbk-def-name").get_by_text(SERVICE, exact=True).click()
        panel.get_by_role("button", name="Clone …").click()
        field("name", exact=True).fill("myservice")
        panel.get_by_role("button", name="Clone", exact=True).click()
        expect(panel.locator(".sbk-def-said")).to_contain_text(f"myservice is a clone of {SERVICE}", timeout=15_000)

        field("permission", exact=True).fill("rwx")
        expect(panel).to_contain_text("'rwx' is not a legal value of 'permission'", timeout=15_000)
        expect(panel.get_by_role("button", name="Save")).to_be_disabled()
        shot("definitions wrong value")
        field("permission", exact=True).fill("700")
        field("add an attribute").fill("serverrole")
        panel.get_by_role("button", name="Add", exact=True).click()
        field("serverrole", exact=True).fill("storage")
        expect(panel).to_contain_text("2 changes", timeout=15_000)
        panel.locator(".sbk-def-name").get_by_text(SERVICE, exact=True).click()
        expect(panel.locator(".sbk-def-said")).to_contain_text("unsaved changes")
        shot("definitions changes")
        panel.get_by_role("button", name="Save").click()
        expect(panel.locator(".sbk-def-said")).to_contain_text("saved 2 values of osimage myservice", timeout=15_000)
        assert (site.osimages["myservice"].get("permission"), site.osimages["myservice"].get("serverrole")) == (
            "700", "storage",
        )  # fmt: skip
        shot("definitions saved")

        panel.get_by_role("button", name="Undo").click()
        expect(panel.locator(".sbk-def-said")).to_contain_text("undone: 2 values", timeout=15_000)
        expect(field("permission", exact=True)).to_have_value("755")
        panel.get_by_role("button", name="Undo").click()
        expect(panel.locator(".sbk-def-said")).to_contain_text("undone: new osimage myservice", timeout=15_000)
        expect(panel.get_by_role("button", name="Undo")).to_be_disabled()
        assert "myservice" not in site.osimages

        panel.get_by_label("type", exact=True).select_option("node")
        expect(panel).to_contain_text("no node yet", timeout=15_000)
        panel.get_by_role("button", name="New …").click()
        field("name", exact=True).fill("n1")
        panel.get_by_role("button", name="Begin").click()
        expect(panel).to_contain_text("'groups' is not specified", timeout=15_000)
        field("groups", exact=True).fill("compute")
        field("add an attribute").fill("mgt")
        panel.get_by_role("button", name="Add", exact=True).click()
        field("mgt", exact=True).select_option("ipmi")
        expect(panel).to_contain_text("2 changes", timeout=15_000)
        shot("definitions new node")
        panel.get_by_role("button", name="Save").click()
        expect(panel.locator(".sbk-def-name")).to_have_attribute("aria-selected", "true", timeout=15_000)
        assert site.nodes["n1"].get("mgt") == "ipmi"
        shot("definitions node")


def test_a_list_is_edited_with_remarks_saved_and_put_back(open_notebook: Open, shot: Shot, lab: Lab) -> None:
    with Site.open(lab.site) as site:
        notebook = open_notebook("define.ipynb")
        notebook.run_all()
        editor = cell_of(notebook, "wb.ListsEditor(site, panel.value)")
        area = editor.locator("textarea")
        expect(area).to_have_value(re.compile("openssh-server"), timeout=60_000)
        before = area.input_value()
        area.fill(f"{before}nmap # <for us>\n")
        expect(editor).to_contain_text("not saved", timeout=15_000)
        expect(editor).to_contain_text("not a package name", timeout=15_000)
        editor.scroll_into_view_if_needed()
        shot("list remarks")
        area.fill(f"{before}nmap\n")
        expect(editor).to_contain_text("no remarks", timeout=15_000)
        editor.get_by_role("button", name="Save").click()
        expect(editor).to_contain_text("saved; lines changed: 1", timeout=15_000)
        pkglist = lists.of(site, "mycomputeimage").pkglist
        assert "nmap" in pkglist.names
        editor.get_by_role("button", name="Undo").click()
        expect(editor).to_contain_text("taken back", timeout=15_000)
        assert area.input_value() == before == pkglist.text
        editor.get_by_role("button", name="exlist", exact=True).click()
        expect(area).to_have_value(re.compile("usr/share/doc"), timeout=15_000)
        shot("list exlist")
