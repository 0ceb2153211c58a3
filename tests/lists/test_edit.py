"""Edits keep order and comments, leave shipped files alone, happen whole or not at all, and can be taken back."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel import lists
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.lists import change, edit, exlist, pkglist
from sbkernel.lists import own as own_files
from sbkernel.lists.document import Document
from sbkernel.lists.edit import ImageLists
from sbkernel.site import Site

COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def mine(site: Site, tmp_path: Path) -> ImageLists:
    """An osimage with a list of the site's own."""
    (tmp_path / "base").write_text("bash\n")
    (tmp_path / "mine.pkglist").write_text(
        "# tools\n#INCLUDE:base#\nvim,nano  , less\n\n# last\ntmux\n#NEW_INSTALL_LIST#\nlate\n"
    )
    attributes = {"osvers": "debian12", "osarch": "x86_64", "provmethod": "netboot", "imagetype": "linux"}
    site.set("osimage", "mine", **attributes, pkglist=str(tmp_path / "mine.pkglist"))
    return lists.of(site, "mine")


def own(site: Site, name: str) -> Path:
    return site.installdir / "custom" / "netboot" / "debian" / name


def test_a_shipped_list_is_copied_at_the_first_edit(site: Site) -> None:
    image = lists.of(site, COMPUTE)
    shipped = image.pkglist.path
    before = shipped.read_text()
    done = image.pkglist.add("fio")
    copy = own(site, f"{COMPUTE}.pkglist")
    assert shipped.read_text() == before
    assert image.pkglist.files == (copy,)
    assert done.diff == ["+fio"]
    assert done.copied == ((shipped, copy),)
    assert copy.read_text().replace("fio\n", "", 1) == before
    assert "fio" in image.pkglist.names
    assert image.pkglist.add("ncdu").copied == ()
    assert site.history().iloc[-1]["what"] == "edit pkglist", site.history().to_string()


def test_relative_includes_of_a_shipped_list_still_lead_there(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_files, "_XCAT", tmp_path / "xcat")
    (tmp_path / "xcat").mkdir()
    (tmp_path / "xcat" / "base").write_text("bash\n")
    (tmp_path / "xcat" / "a.pkglist").write_text("#INCLUDE:base# \n")
    site.set("osimage", "el", osvers="rocky9.4", imagetype="linux", pkglist=str(tmp_path / "xcat" / "a.pkglist"))
    image = lists.of(site, "el")
    image.pkglist.add("fio")
    assert image.pkglist.path == site.installdir / "custom" / "netboot" / "rocky" / "el.pkglist"
    assert image.pkglist.names == ("bash", "fio")
    assert image.pkglist.text == f"#INCLUDE:{tmp_path}/xcat/base# \nfio\n"


def test_packages_go_behind_the_last_of_the_first_pass(mine: ImageLists) -> None:
    mine.pkglist.add("htop", "tree", "htop", "bash")
    assert mine.pkglist.text == (
        "# tools\n#INCLUDE:base#\nvim,nano  , less\n\n# last\ntmux\nhtop\ntree\n#NEW_INSTALL_LIST#\nlate\n"
    )
    assert not mine.pkglist.add("htop", "late", "bash")
    assert str(mine.pkglist.add("htop")) == "nothing to do"


def test_a_name_is_taken_out_and_nothing_else(mine: ImageLists) -> None:
    assert mine.pkglist.remove("nano").diff == ["-vim,nano  , less", "+vim, less"]
    mine.pkglist.remove("tmux", "late")
    assert mine.pkglist.text == "# tools\n#INCLUDE:base#\nvim, less\n\n# last\n#NEW_INSTALL_LIST#\n"
    mine.pkglist.remove("vim")
    assert "\nless\n" in mine.pkglist.text


def test_what_is_not_there_cannot_be_removed(mine: ImageLists, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no pkglist lists vmi") as caught:
        mine.pkglist.remove("vmi")
    assert caught.value.hint == "did you mean vim?"
    with pytest.raises(DefinitionError, match=rf"bash comes from an included file, {tmp_path}/base:1") as refused:
        mine.pkglist.remove("bash")
    assert f"{tmp_path}/mine.pkglist:2" in (refused.value.hint or "")


@pytest.mark.parametrize("name", ["a b", "a,b", "a # b", "-a", "a\nb", "", "#INCLUDE:x#", " a ", "a;b"])
def test_only_names_of_packages_are_added(mine: ImageLists, name: str) -> None:
    before = mine.pkglist.text
    with pytest.raises(DefinitionError):
        mine.pkglist.add("good", name)
    assert mine.pkglist.text == before


def test_undo_takes_the_edit_back_and_again(site: Site) -> None:
    image = lists.of(site, COMPUTE)
    shipped = image.pkglist.path
    image.pkglist.add("fio")
    copy = image.pkglist.path
    assert str(image.pkglist.undo()) == f"pkglist={shipped}"
    assert image.pkglist.files == (shipped,)
    assert not copy.exists()
    assert str(image.pkglist.undo()) == f"pkglist={copy}"
    assert image.pkglist.files == (copy,)
    assert "fio" in image.pkglist.names


def test_an_edit_whose_attribute_was_taken_back_can_be_made_again(site: Site) -> None:
    image = lists.of(site, COMPUTE)
    image.pkglist.add("fio")
    site.undo()
    assert "fio" not in image.pkglist.names
    image.pkglist.add("ncdu")
    assert "ncdu" in image.pkglist.names and "fio" not in image.pkglist.names
    image.pkglist.undo()
    assert "ncdu" not in image.pkglist.names


def test_undo_refuses_what_somebody_changed_since(mine: ImageLists) -> None:
    with pytest.raises(DefinitionError, match="no edit of the pkglist of osimage mine"):
        mine.pkglist.undo()
    mine.pkglist.add("htop")
    mine.pkglist.path.write_text(mine.pkglist.text + "by-hand\n")
    with pytest.raises(DefinitionError, match=r"mine.pkglist was changed since that edit"):
        mine.pkglist.undo()


def test_a_file_of_others_is_not_overwritten(site: Site) -> None:
    copy = own(site, f"{COMPUTE}.pkglist")
    copy.parent.mkdir(parents=True)
    copy.write_text("somebody's\n")
    with pytest.raises(DefinitionError, match="already exists and differs"):
        lists.of(site, COMPUTE).pkglist.add("fio")
    assert copy.read_text() == "somebody's\n"


def test_a_copy_that_was_there_stays_when_the_edit_is_taken_back(site: Site) -> None:
    image = lists.of(site, COMPUTE)
    copy = own(site, f"{COMPUTE}.pkglist")
    copy.parent.mkdir(parents=True)
    copy.write_text(image.pkglist.text)
    image.pkglist.add("fio")
    image.pkglist.undo()
    assert "fio" not in copy.read_text()


def test_nothing_is_left_when_the_osimage_cannot_be_changed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    image = lists.of(site, COMPUTE)
    before = image.pkglist.files

    def fail(*_arguments: object) -> None:
        raise DefinitionError("the store is gone")

    monkeypatch.setattr(site, "change", fail)
    with pytest.raises(DefinitionError, match="the store is gone"):
        image.pkglist.add("fio")
    assert image.pkglist.files == before
    assert not own(site, f"{COMPUTE}.pkglist").exists()


def test_a_disk_that_refuses_is_said_and_nothing_is_changed(mine: ImageLists, monkeypatch: pytest.MonkeyPatch) -> None:
    before = mine.pkglist.text

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device", "mine.pkglist")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SbkernelError, match=r"mine.pkglist: No space left on device"):
        mine.pkglist.add("tree")
    monkeypatch.undo()
    assert mine.pkglist.text == before


def test_others_who_use_the_file_are_named(site: Site, mine: ImageLists) -> None:
    site.set("osimage", "other", osvers="debian12", imagetype="linux", pkglist=str(mine.pkglist.path))
    assert mine.pkglist.add("htop").shared_with == ("other",)


def test_a_first_list_is_made(site: Site, mine: ImageLists) -> None:
    done = mine.otherpkglist.add("site/ourtool")
    assert mine.otherpkglist.files == (own(site, "mine.otherpkgs.pkglist"),)
    assert mine.otherpkglist.text == "site/ourtool\n"
    assert done.copied == ()
    mine.otherpkglist.undo()
    assert mine.otherpkglist.files == ()
    assert not own(site, "mine.otherpkgs.pkglist").exists()


def test_patterns(site: Site, mine: ImageLists) -> None:
    mine.exlist.add("./usr/share/doc*", "+./usr/share/doc/keep")
    assert mine.exlist.text == "./usr/share/doc*\n+./usr/share/doc/keep\n"
    assert not mine.exlist.add("-./usr/share/doc*")
    mine.exlist.remove("./usr/share/doc*")
    assert mine.exlist.parsed.include == ("./usr/share/doc/keep",)
    with pytest.raises(NotFoundError):
        mine.exlist.remove("./usr/share/doc/keep")
    for wrong in ("usr", "./a # b", "./usr/", "", "./a\n./b"):
        with pytest.raises(DefinitionError):
            mine.exlist.add(wrong)


def test_a_whole_text_is_written_with_its_remarks(mine: ImageLists, monkeypatch: pytest.MonkeyPatch) -> None:
    mine.pkglist.write("a\nvim # editor\n")
    assert [one.severity for one in mine.pkglist.diagnostics] == ["error"]
    assert mine.pkglist.check("a\n") == ()
    mine.pkglist.undo()
    assert "late" in mine.pkglist.names
    monkeypatch.setattr(edit, "editor", None)
    with pytest.raises(DefinitionError, match="there is an editor only in notebooks"):
        mine.pkglist.edit()


NAMES = st.from_regex(r"[a-z0-9][a-z0-9+.-]{1,6}", fullmatch=True)
ROWS = st.lists(
    st.one_of(
        NAMES,
        st.lists(NAMES, min_size=2, max_size=3).map(",".join),
        st.sampled_from(["# note", "", "#NEW_INSTALL_LIST#", "#ENV:A=1#", "  "]),
    )
)


@given(ROWS, st.lists(NAMES, unique=True, max_size=3), st.booleans())
def test_added_packages_are_asked_for_and_every_line_stays(rows: list[str], names: list[str], carriage: bool) -> None:
    end = "\r\n" if carriage else "\n"
    document = Document.parse("".join(f"{row}{end}" for row in rows), "x")
    added = change.with_packages(document, names)
    kept = [row for row in added.rows if row in document.rows]
    assert [row for row in document.rows if row in kept] == list(document.rows)
    before, after = pkglist.parse(document.render()), pkglist.parse(added.render())
    assert set(after.packages) == {*before.packages, *names}
    assert len(after.passes) - len(before.passes) in (0, 1)


@given(ROWS, NAMES)
def test_a_removed_package_is_gone_and_the_others_stay(rows: list[str], name: str) -> None:
    document = Document.parse("".join(f"{row}\n" for row in [*rows, name]), "x")
    removed = change.without_packages(document, [name])
    before, after = pkglist.parse(document.render()), pkglist.parse(removed.render())
    assert set(after.packages) == set(before.packages) - {name}
    comments = [row for row in document.rows if row.text.startswith("#")]
    assert [row for row in removed.rows if row.text.startswith("#")] == comments


@given(st.lists(st.from_regex(r"[+-]?\./[a-z*]{1,4}", fullmatch=True), unique=True, min_size=1))
def test_patterns_come_and_go(patterns: list[str]) -> None:
    document = Document.parse("./first* # note\n", "x")
    added = change.with_patterns(document, patterns)
    assert change.without_patterns(added, patterns).render() == document.render()
    listed = exlist.parse(added.render())
    assert len(listed.exclude) + len(listed.include) <= len(patterns) + 1
