"""The editor of list files: live remarks, one write, one way back; a record keeps text and remarks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel import lists
from sbkernel import workbench as wb
from sbkernel.images.resolution import Candidate, ListResolution, explained
from sbkernel.lists.edit import ListFiles
from sbkernel.packages.package import Package
from sbkernel.site import Site

COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ListFiles]:
    (tmp_path / "x.pkglist").write_text("bash\nvim # <editor>\n")
    with Site.open(tmp_path / "site") as site:
        site.set("osimage", "x", osvers="debian12", imagetype="linux", pkglist=str(tmp_path / "x.pkglist"))
        yield lists.of(site, "x").pkglist


def test_headless_it_is_the_text_and_its_remarks(files: ListFiles) -> None:
    panel = files.edit()
    assert isinstance(panel, wb.ListEditor)
    assert "vim # &lt;editor&gt;" in panel.html()
    assert "x.pkglist:2:1" in panel.html()
    assert "not a package name" in panel.text()
    assert panel._widget is None


def test_remarks_follow_what_is_typed_and_nothing_is_written_before_save(
    files: ListFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    panel = files.edit()
    assert "not a package name" in panel._below.value
    panel._area.value = "bash\nvim\n"
    assert "no remarks" in panel._below.value
    assert "not saved" in panel._above.value
    assert "editor" in files.text
    panel.save()
    assert files.text == "bash\nvim\n"
    assert "not saved" not in panel._above.value and "saved; lines changed: 2" in panel._above.value
    panel._area.value = "bash\nnano\n"
    panel.undo()
    assert panel._area.value == files.text == "bash\nvim\n" and "back to the saved text" in panel._above.value
    panel.undo()
    assert panel._area.value == files.text == "bash\nvim # <editor>\n" and "taken back" in panel._above.value


def test_the_kind_of_packages_has_its_say_as_in_lint(files: ListFiles) -> None:
    files.write("@tools\n-nano\n")
    panel = files.edit()
    assert [(one.line, one.severity) for one in panel.remarks] == [(1, "error"), (2, "warning")]
    files.site.set("osimage", "x", osvers="rocky9.4")
    assert [one.message for one in files.edit().remarks] == [
        "-nano keeps nano out of the image; xCAT's genimage ignores the line"
    ]
    patterns = lists.of(files.site, "x").exlist.edit()
    patterns.type("./tmp*\n")
    assert "removes ./tmp itself" in patterns.text()


def test_what_is_saved_is_held_against_the_tree(files: ListFiles, tmp_path: Path) -> None:
    for name in ("tmp", "tmpfiles"):
        (tmp_path / "built" / "rootimg" / name).mkdir(parents=True)
    files.write("bash\n")
    files.site.set("osimage", "x", rootimgdir=str(tmp_path / "built"))
    panel = lists.of(files.site, "x").exlist.edit()
    panel.type("./tmp*\n")
    assert "removes more than ./tmp" not in panel.text()
    panel.save()
    assert "removes more than ./tmp: ./tmpfiles" in panel.text()
    panel.type("./tmp/*\n")
    assert panel.remarks == ()
    panel.undo()
    assert "removes more than ./tmp" in panel.text()
    panel.undo()
    assert panel.value == "" and panel.remarks == ()


def test_what_somebody_else_saved_is_not_overwritten_unseen(files: ListFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBK_HEADLESS", "0")
    panel = files.edit()
    lists.of(files.site, "x").pkglist.add("tmux")
    panel._area.value = "bash\n"
    panel.save()
    assert "tmux" in files.text and "Somebody else has saved this list" in panel._above.value
    panel.save()
    assert files.text == "bash\n" and "saved" in panel._above.value


def test_saving_an_unchanged_shipped_list_copies_nothing(files: ListFiles) -> None:
    image = lists.of(files.site, COMPUTE)
    shipped = image.pkglist.path
    panel = image.pkglist.edit()
    panel.save()
    assert image.pkglist.path == shipped and "nothing to save" in panel.html()


def test_all_lists_of_an_image_have_an_editor(files: ListFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "vim # &lt;editor&gt;" in wb.ListsEditor(files.site, "x").html()
    monkeypatch.setenv("SBK_HEADLESS", "0")
    chosen, pkglist = wb.ListsEditor(files.site, "x")._widget.children
    assert chosen.options == ("pkglist", "otherpkglist", "exlist", "synclists")
    assert "pkglist of x" in pkglist.children[1].value
    panel = wb.ListsEditor(files.site, "x")._widget
    panel.children[0].value = "exlist"
    assert "exlist of x" in panel.children[1].children[1].value
    files.path.unlink()
    assert "x.pkglist" in wb.ListsEditor(files.site, "x")._widget.children[1].value


def test_what_stands_against_saving_is_said(files: ListFiles) -> None:
    panel = wb.ListEditor(files)
    panel.undo()
    assert "there is no edit of the pkglist of osimage x to take back" in panel.html()


def test_a_shipped_list_is_copied_when_it_is_saved(files: ListFiles) -> None:
    image = lists.of(files.site, COMPUTE)
    shipped = image.exlist.path
    before = shipped.read_text()
    panel = image.exlist.edit()
    panel.type(panel.value + "./opt/none*\n")
    panel.save()
    assert shipped.read_text() == before
    assert image.exlist.path.read_text() == before + "./opt/none*\n"


def test_a_resolution_shows_totals_and_reasons() -> None:
    found = [
        Candidate(Package("lib", "1", "all", size_bytes=2_000_000), 1_000_000),
        Candidate(Package("tool", "2", "all", size_bytes=500), 100, ("lib",)),
        Candidate(Package("dpkg", "3", "all"), 1, base=True),
    ]
    shown = wb.resolution(ListResolution("x", explained(found, ["tool"])))
    assert shown.text == "x: 3 packages, 1.0 MB to download, 2.0 MB installed"
    assert "needed by tool" in shown.html and "and 1 of the base system" in shown.html
    assert wb.remarks(()).text == "no remarks"
