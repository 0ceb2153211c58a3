"""How two definitions differ, and clones that go to another site."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sbkernel.definitions.editing.definition_diff import list_files
from sbkernel.errors import DefinitionError
from sbkernel.lists import pkglist
from sbkernel.site import Site
from sbkernel.workbench.displays import html_of

COMPUTE = "debian12-x86_64-netboot-compute"
SERVICE = "debian12-x86_64-netboot-service"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "other") as opened:
        yield opened


def files(site: Site) -> list[str]:
    return sorted(path.name for path in site.installdir.rglob("*") if path.is_file())


def test_a_fresh_clone_differs_in_its_places_alone(site: Site) -> None:
    clone = site.clone(SERVICE, "mine")
    found = site.diff(SERVICE, "mine")
    assert found.lists == ()  # a relative include and its full path are the same
    assert {one.attribute for one in found.attributes} == {"exlist", "parent", "pkglist", "profile", "rootimgdir"}
    assert found.df.loc["profile"].tolist() == ["service", "mine"]
    assert found.df.columns.tolist() == [SERVICE, "mine"]
    assert "what their lists say is the same" in html_of(found)
    same = site.diff(clone, "mine")
    assert (bool(same), repr(same)) == (False, "mine and mine are the same")


def test_lines_of_lists_that_differ_are_shown(site: Site) -> None:
    path = list_files(site.clone(COMPUTE, "mine"))[0].path
    path.write_text(path.read_text() + "tmux\n<odd>\n")
    found = site.diff(COMPUTE, "mine")
    assert [attribute for attribute, _ in found.lists] == ["pkglist"]
    assert "+tmux\n+<odd>" in found.text
    assert f"+++ {path}" in found.text
    assert "&lt;odd&gt;" in html_of(found)


def test_lists_that_are_more_fewer_or_gone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("vim\n")
    site.clone(COMPUTE, "mine")
    before = site.osimages["mine"].get("pkglist")
    site.set("osimage", "mine", pkglist=f"{before},{tmp_path}/more", exlist="", postinstall=f"{tmp_path}/gone.sh a b")
    found = site.diff(COMPUTE, "mine")
    assert [attribute for attribute, _ in found.lists] == ["pkglist", "exlist", "postinstall"]
    assert "--- /dev/null" in found.text
    assert "+(No such file or directory)" in found.text
    assert list_files(site.osimages["mine"])[-1].path == tmp_path / "gone.sh"


def test_secrets_that_differ_are_not_shown(site: Site) -> None:
    site.change("node", {name: {"groups": "all", "mgt": "ipmi", "bmcpassword": f"hush{name}"} for name in ("n1", "n2")})
    found = site.diff("n1", "n2", "node")
    assert [tuple(one) for one in found.attributes] == [("bmcpassword", "***", "***")]
    assert "hush" not in found.text + html_of(found) + repr(found.df)


def test_a_clone_for_another_site_lies_there_whole(site: Site, other: Site) -> None:
    site.clone(SERVICE, "mine")
    site.set("osimage", "mine", otherpkgdir=f"{site.installdir}/post/otherpkgs", description="for 7/8")
    made = site.clone("mine", "theirs", to=other)
    assert made == other.osimages["theirs"]
    assert "theirs" not in site.osimages
    assert made.get("otherpkgdir") == f"{other.installdir}/post/otherpkgs"
    assert made.get("rootimgdir") == f"{other.installdir}/netboot/debian12/x86_64/theirs"
    assert made.get("parent") == ""
    assert made.get("description") == "for 7/8"
    assert str(site.root) not in str(made.attributes)
    for file in list_files(made):
        assert str(site.root) not in file.path.read_text()
    assert pkglist.load([made.get("pkglist")]) == pkglist.load([site.osimages["mine"].get("pkglist")])


def test_included_files_of_the_old_site_are_part_of_the_copy(site: Site, other: Site) -> None:
    own = list_files(site.clone(COMPUTE, "mine"))[0].path
    (own.parent / "tools").write_text("tmux\n#INCLUDE:more#\n")
    (own.parent / "more").write_text("htop\n")
    own.write_text("vim\n#INCLUDE:tools#\nless\n")
    made = site.clone("mine", "theirs", to=other)
    assert Path(made.get("pkglist")).read_text() == "vim\ntmux\nhtop\nless\n"
    assert pkglist.load([made.get("pkglist")]) == pkglist.load([str(own)])


@pytest.mark.parametrize("line", ["#INCLUDE:gone#", "#INCLUDE:tools#"])
def test_nothing_is_left_of_a_clone_that_fails(site: Site, other: Site, line: str) -> None:
    own = list_files(site.clone(COMPUTE, "mine"))[0].path
    (own.parent / "tools").write_text(f"{line}\n")
    own.write_text("#INCLUDE:tools#\n")
    with pytest.raises(DefinitionError, match=r"gone|includes itself"):
        site.clone("mine", "theirs", to=other)
    assert files(other) == []
    assert "theirs" not in other.osimages
    with pytest.raises(DefinitionError, match="exists already"):
        site.clone(COMPUTE, SERVICE, to=other)


def test_the_same_site_opened_twice_is_one_site(site: Site) -> None:
    with Site.open(site.root) as again:
        assert site.clone(COMPUTE, "mine", to=again).get("parent") == COMPUTE


def test_the_site_tells_its_history_and_takes_back(site: Site) -> None:
    site.set("osimage", COMPUTE, description="x")
    history = site.history(COMPUTE, last=1)
    assert history.columns.tolist() == ["time", "who", "what", "objects"]
    assert history.iloc[0]["objects"] == 1
    undone = site.undo(int(history.index[0]))
    assert f"{COMPUTE}  description: x -> (unset)" in repr(undone)
    assert site.osimages[COMPUTE].get("description") == ""
