"""A clone is its own image: own tree, own lists; and it is made whole or not at all."""

import os
import threading
from pathlib import Path

import pytest

from sbkernel.definitions.listpaths import rebase_includes
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.lists import exlist, lookup, pkglist
from sbkernel.site import Site

COMPUTE = "debian12-x86_64-netboot-compute"
SERVICE = "debian12-x86_64-netboot-service"


@pytest.fixture
def site(tmp_path):
    with Site.open(tmp_path / "site") as opened:
        yield opened


def custom(site: Site) -> Path:
    return site.installdir / "custom" / "netboot" / "debian"


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*")) if directory.exists() else []


def test_clone_has_its_own_name_profile_tree_and_lists(site: Site) -> None:
    made = site.clone(COMPUTE, "mycomputeimage")
    assert made == site.osimages["mycomputeimage"]
    assert made.get("profile") == "mycomputeimage"
    assert made.get("rootimgdir") == str(site.installdir / "netboot/debian12/x86_64/mycomputeimage")
    assert made.get("parent") == COMPUTE
    assert made.get("pkglist") == str(custom(site) / "mycomputeimage.pkglist")
    assert made.get("exlist") == str(custom(site) / "mycomputeimage.exlist")
    original = site.osimages[COMPUTE]
    assert Path(made.get("pkglist")).read_bytes() == Path(original.get("pkglist")).read_bytes()
    assert os.access(made.get("pkglist"), os.W_OK)
    same = ("provmethod", "osvers", "osarch", "imagetype", "osname", "permission")
    assert [made.get(key) for key in same] == [original.get(key) for key in same]


def test_editing_a_clone_leaves_the_original_alone(site: Site) -> None:
    original = Path(site.osimages[COMPUTE].get("pkglist")).read_bytes()
    made = site.clone(COMPUTE, "mine")
    with Path(made.get("pkglist")).open("a") as file:
        file.write("tmux\n")
    assert Path(site.osimages[COMPUTE].get("pkglist")).read_bytes() == original


def test_relative_includes_still_work_in_a_clone_and_in_its_clone(site: Site) -> None:
    original = site.osimages[SERVICE]
    first = site.clone(SERVICE, "first")
    second = site.clone("first", "second")
    for made in (first, second):
        assert pkglist.load([made.get("pkglist")]) == pkglist.load([original.get("pkglist")])
        assert exlist.load([made.get("exlist")]) == exlist.load([original.get("exlist")])
    assert second.get("parent") == "first"


def test_an_include_of_a_clone_goes_no_way_round_but_past_a_link(tmp_path: Path) -> None:
    (tmp_path / "there/rocky").mkdir(parents=True)
    (tmp_path / "there/list").touch()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/rocky").symlink_to(tmp_path / "there/rocky")
    for directory, made in (
        ("there/rocky", f"{tmp_path}/there/list"),
        ("here/rocky", f"{tmp_path}/here/rocky/../list"),
    ):
        assert rebase_includes("#INCLUDE:../list#", tmp_path / directory) == f"#INCLUDE:{made}#"


def test_every_kind_of_list_is_copied(site: Site, tmp_path: Path) -> None:
    for name in ("a.pkglist", "b.pkglist", "o.pkglist", "sync", "compute.fstab"):
        (tmp_path / name).write_text(f"# {name}\n")
    script = tmp_path / "post.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    custom(site).mkdir(parents=True)
    (custom(site) / "compute.fstab").write_text("tmpfs /scratch tmpfs defaults\n")
    site.set(
        "osimage", COMPUTE, pkglist=f"{tmp_path}/a.pkglist,{tmp_path}/b.pkglist", otherpkglist=f"{tmp_path}/o.pkglist",
        synclists=f"{tmp_path}/sync", postinstall=f"{script} one two",
    )  # fmt: skip
    made = site.clone(COMPUTE, "mine")
    own = custom(site)
    assert made.get("pkglist") == f"{own}/mine.pkglist,{own}/mine.2.pkglist"
    assert made.get("postinstall") == f"{own}/mine.postinstall one two"
    assert os.access(own / "mine.postinstall", os.X_OK)
    assert (own / "mine.synclist").read_text() == "# sync\n"
    assert (own / "mine.otherpkgs.pkglist").read_text() == "# o.pkglist\n"
    assert lookup.find([own], "mine", "debian12", "x86_64", "fstab") == own / "mine.fstab"


@pytest.mark.parametrize("name", ["a/b", "../x", "a b", "$(x)", "a;b", "", ".hidden", "-x", "a\nb", "x" * 200, "a,b"])
def test_names_that_are_no_file_names_are_refused(site: Site, name: str) -> None:
    with pytest.raises(DefinitionError):
        site.clone(COMPUTE, name)
    assert list(site.osimages) == [COMPUTE, SERVICE]
    assert files(site.installdir) == []


def test_existing_names_and_missing_sources_are_refused(site: Site) -> None:
    with pytest.raises(DefinitionError, match="exists already"):
        site.clone(COMPUTE, SERVICE)
    with pytest.raises(DefinitionError, match="exists already"):
        site.clone(COMPUTE, COMPUTE)
    with pytest.raises(NotFoundError):
        site.clone("none", "mine")
    assert files(site.installdir) == []


def test_missing_list_leaves_nothing_half_made(site: Site, tmp_path: Path) -> None:
    site.set("osimage", COMPUTE, exlist=str(tmp_path / "gone"))
    with pytest.raises(SbkernelError, match="gone"):
        site.clone(COMPUTE, "mine")
    assert [name for name in files(custom(site)) if "mine" in name] == []
    assert "mine" not in site.osimages


def test_full_disk_leaves_nothing_half_made(site: Site, monkeypatch) -> None:
    real = os.fsync
    calls: list[int] = []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space"):
        site.clone(COMPUTE, "mine")
    monkeypatch.undo()
    assert files(custom(site)) == []
    assert site.clone(COMPUTE, "mine").name == "mine"


def test_own_file_of_that_name_is_not_overwritten(site: Site) -> None:
    custom(site).mkdir(parents=True)
    (custom(site) / "mine.pkglist").write_text("my own work\n")
    with pytest.raises(DefinitionError, match="differs"):
        site.clone(COMPUTE, "mine")
    assert files(custom(site)) == ["mine.pkglist"]
    assert (custom(site) / "mine.pkglist").read_text() == "my own work\n"


def test_rest_of_a_killed_clone_does_not_stand_in_the_way(site: Site) -> None:
    site.clone(COMPUTE, "mine")
    site.delete("osimage", "mine")
    assert site.clone(COMPUTE, "mine").name == "mine"


def test_clone_into_another_images_tree_is_refused(site: Site) -> None:
    tree = site.installdir / "netboot/debian12/x86_64/mine"
    site.set("osimage", "other", imagetype="linux", rootimgdir=str(tree))
    with pytest.raises(DefinitionError, match="other is built in"):
        site.clone(COMPUTE, "mine")
    site.set("osimage", "other", rootimgdir=str(tree.parent))
    with pytest.raises(DefinitionError, match="other is built in"):
        site.clone(COMPUTE, "mine")
    assert files(custom(site)) == []


def test_one_of_two_clones_of_one_name_wins(site: Site) -> None:
    outcomes: list[str] = []

    def work() -> None:
        with Site.open(site.root) as own:
            try:
                outcomes.append(own.clone(COMPUTE, "mine").name)
            except DefinitionError:
                outcomes.append("refused")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["mine", "refused", "refused", "refused"]
    assert {"mine.pkglist", "mine.exlist"} <= set(files(custom(site)))
