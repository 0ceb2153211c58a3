"""What the definitions panel does with what is typed and pressed, without a page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sbkernel import workbench as wb
from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.site import Site
from sbkernel.workbench.definitions.definition_editor import LISTED_COUNT, Editor

COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        opened.set("group", "compute", mgt="ipmi")
        opened.set("node", "n1", groups="compute", bmcpassword="hush", status="booted")
        yield opened


@pytest.fixture
def live(site: Site, monkeypatch: pytest.MonkeyPatch) -> wb.DefinitionPanel:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    return wb.DefinitionPanel(site, COMPUTE)


def press(panel: wb.DefinitionPanel, kind: str, **message: Any) -> Any:
    panel._on_message(panel._widget, {"kind": kind, **message})
    return panel._widget


def test_headless_it_is_the_definition_and_no_widget(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "1")
    panel = wb.DefinitionPanel(site, COMPUTE)
    assert panel._widget is None
    assert panel.definition == site.osimages[COMPUTE]
    assert "pkglist" in panel.html()
    assert panel.text().startswith(f"osimage: {COMPUTE}\n")
    assert panel.about() == {"image": COMPUTE}
    assert "no" in wb.DefinitionPanel(site, objtype="network").text()
    with pytest.raises(NotFoundError):
        wb.DefinitionPanel(site, "none")


def test_a_wrong_value_is_said_beside_its_field_and_not_saved(live: wb.DefinitionPanel, site: Site) -> None:
    answer = press(live, "draft", number=7, edits={"permission": "rwx", "imagetype": "linux"}).answer
    assert answer["number"] == 7
    assert "'rwx' is not a legal value" in answer["faults"]["permission"]
    assert answer["edits"] == [["permission", "755", "rwx"]]
    assert "'rwx' is not a legal value" in press(live, "save", edits={"permission": "rwx"}).said["text"]
    assert site.osimages[COMPUTE].get("permission") == "755"


def test_save_and_undo_are_one_change_each(live: wb.DefinitionPanel, site: Site) -> None:
    before = len(site.history())
    widget = press(live, "save", edits={"permission": "700", "description": "x"})
    assert widget.said == {"text": f"saved 2 values of osimage {COMPUTE}", "tone": "ok"}
    assert {field["name"]: field["value"] for field in widget.view["fields"]}["permission"] == "700"
    assert "changed: 2 values" in live.html()
    assert len(site.history()) == before + 1
    assert press(live, "undo").view["done"] == ""
    assert (site.osimages[COMPUTE].get("permission"), site.osimages[COMPUTE].get("description")) == ("755", "")


def test_what_somebody_else_changed_is_not_overwritten(live: wb.DefinitionPanel, site: Site) -> None:
    site.set("osimage", COMPUTE, description="theirs")
    assert "somebody else" in press(live, "draft", number=1, edits={"description": "mine"}).answer["general"][0]
    assert "somebody else" in press(live, "save", edits={"description": "mine"}).said["text"]
    assert site.osimages[COMPUTE].get("description") == "theirs"
    press(live, "open", objtype="osimage", name=COMPUTE)
    press(live, "save", edits={"description": "mine"})
    site.set("osimage", COMPUTE, description="theirs again")
    assert "changed since" in press(live, "undo").said["text"]
    assert site.osimages[COMPUTE].get("description") == "theirs again"


def test_a_clone_of_an_image_is_a_real_one_and_is_undone(live: wb.DefinitionPanel, site: Site) -> None:
    widget = press(live, "clone", name="mine")
    assert (live.value, widget.view["name"], widget.view["done"]) == ("mine", "mine", "new osimage mine")
    assert "mine" in widget.names["names"]
    assert Path(live.definition.get("pkglist")).name == "mine.pkglist"
    assert "exists already" in press(live, "clone", name="mine").said["text"]
    press(live, "undo")
    assert "mine" not in site.osimages
    assert live.value == COMPUTE


def test_what_cannot_be_opened_leaves_what_is_open(live: wb.DefinitionPanel) -> None:
    before = live._widget.view["drawn"]
    widget = press(live, "open", objtype="node", name="gone")
    assert "named 'gone'" in widget.said["text"]
    assert (live.value, widget.view["name"]) == (COMPUTE, COMPUTE)
    assert widget.view["drawn"] > before


def test_a_new_node_says_what_it_needs(live: wb.DefinitionPanel, site: Site) -> None:
    press(live, "open", objtype="node", name="n1")
    assert "already exists" in press(live, "new", name="n1").said["text"]
    assert "is invalid" in press(live, "new", name="n.1").said["text"]
    widget = press(live, "new", name="n2")
    assert (widget.view["exists"], widget.view["fields"]) == (False, [])
    assert "'groups' is not specified" in press(live, "draft", number=1, edits={}).answer["faults"]["groups"]
    assert "n2" not in site.nodes
    press(live, "save", edits={"groups": "compute"})
    assert site.nodes["n2"].get("mgt") == "ipmi"


def test_fields_tell_what_a_group_lends_and_keep_secrets(site: Site) -> None:
    editor = Editor(site, "node", "n1")
    fields = {field["name"]: field for field in editor.fields()}
    assert (fields["mgt"]["value"], fields["mgt"]["lender"]) == ("ipmi", "compute")
    assert "ipmi" in fields["mgt"]["values"]
    assert fields["bmcpassword"]["value"] == "***"
    assert fields["bmcpassword"]["secret"]
    assert "hush" not in str(editor.fields()) + str(editor.table())
    editor.save({"bmcpassword": "***", "usercomment": "x"})
    assert site.nodes["n1"].get("bmcpassword") == "hush"
    with pytest.raises(DefinitionError, match="from its group compute"):
        editor.save({"mgt": ""})


def test_a_copy_of_a_node_has_its_attributes_without_its_state(site: Site) -> None:
    editor = Editor(site, "node", "n1")
    editor.clone("n2")
    assert (editor.name, site.nodes["n2"].get("bmcpassword"), site.nodes["n2"].get("status")) == ("n2", "hush", "")
    editor.undo()
    assert "n2" not in site.nodes


def test_search_is_cut_and_counted(site: Site) -> None:
    site.change("node", {f"cn{i:03}": {"groups": "all"} for i in range(300)})
    editor = Editor(site, "node", "n1")
    names, found = editor.search("node")
    assert (len(names), found) == (LISTED_COUNT, 301)
    assert editor.search("node", "CN12") == ([f"cn12{i}" for i in range(10)], 10)
