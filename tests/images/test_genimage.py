"""genimage with real packages: what comes out, what a second run does, and that no accident leaves anything behind."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from discs import DEBIAN, make_iso, of_packages
from smallbuild import (
    EVERYTHING,
    Recorder,
    Small,
    another,
    assert_nothing_left,
    define,
)

from sbkernel.errors import BuildError, DefinitionError, ListFileError, LockedError, NotFoundError
from sbkernel.images.copycds import copycds
from sbkernel.images.families.debian import archives, records
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.debian.output import archive_name
from sbkernel.images.genimage import genimage, plan_genimage
from sbkernel.images.layers.listing import listing
from sbkernel.images.spec import read_spec
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport
from sbkernel.packages.readers.deb import dpkg


def test_the_image_is_built_whole(small: Small) -> None:
    assert small.result["built"] == EVERYTHING
    assert small.result["kernelver"] == "6.1.0-10-test"
    assert (small.tree.parent / "kernel").read_text() == "kernel 6.1.0-10-test"
    assert (small.tree.parent / "initrd-stateless.gz").stat().st_size > 100_000
    assert (small.tree / "usr/bin/own-tool").exists()
    assert not {"usrmerge", "perl"} & {package.name for package in dpkg.installed(small.tree)}
    assert_nothing_left(small.site)


def test_the_record_of_a_build_says_who_built_it_with_what(small: Small) -> None:
    plan = small.tree.parent / "plan.json"
    found = json.loads(plan.read_text())["provenance"]
    assert found["plan"] == small.result["plan"] and found["attributes"]["osvers"] == "debian12"
    assert {"apt-get", "dpkg", "mmdebstrap"} == set(found["builder"]["programs"])
    assert str(small.pkglist) in [one["path"] for one in found["lists"]] and found["by"] and "job" not in found
    before = plan.read_bytes()
    assert genimage(small.site, "small")["built"] == [] and plan.read_bytes() == before


def test_an_image_that_copycds_defined_is_the_same_image(small: Small, tmp_path: Path) -> None:
    """Its packages come from a copied disc; the layer that was built from the mirror is taken."""
    manager = read_spec(small.site, "small").manager
    assert isinstance(manager, AptManager)
    packages = manager.resolve(NullReport()).packages
    for package in packages:
        file = tmp_path / "disc/pool" / archive_name(package)
        file.parent.mkdir(parents=True, exist_ok=True)
        os.link(manager.downloads.path(package), file)
    index = records.index(packages, lambda package: f"pool/{archive_name(package)}").encode()
    disc = of_packages(tmp_path / "disc", DEBIAN.format(version="12.5.0", number=1), listed=index)
    image = copycds(small.site, [make_iso(disc, tmp_path / "disc.iso")])["made"][0]
    small.site.set("osimage", image, pkglist=str(small.pkglist))
    assert small.site.osimages[image].get("pkgdir") == str(small.site.installdir / "debian12.5/x86_64")
    assert not {step.name for step in plan_genimage(small.site, image).pending} & {"download", "packages"}


def test_progress_is_by_phase_and_package(small: Small) -> None:
    phases = [one for one in small.report.phases if one != "list the packages"]
    assert phases == [
        "resolve packages", "download packages", "install packages", "copy the layer", "configure",
        "take the kernel", "build the initrd",
    ]  # fmt: skip
    assert "list the packages" in small.report.phases[-3:], "it is done beside the last two"
    total = small.result["packages"]
    installs = [done for done, of in small.report.counts if of == total]
    assert installs[-1] == total
    assert any(line.startswith("Setting up own-tool") for line in small.report.lines)


def test_of_two_builds_at_once_the_second_is_told(small: Small) -> None:
    place = another(small, "twice").parent
    message = rf"another genimage process {os.getpid()} running on root image dir {re.escape(str(place))} since"
    with lock(place, "genimage"), pytest.raises(LockedError, match=message):
        genimage(small.site, "twice")
    assert_nothing_left(small.site)


def test_no_identity_and_no_trace_of_the_build_is_left_inside(small: Small) -> None:
    tree = small.tree
    assert (tree / "etc/machine-id").read_bytes() == b""
    for name in ("etc/hostname", "usr/sbin/policy-rc.d", "etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list"):
        assert not os.path.lexists(tree / name), name
    assert [path for path in (tree / "var/log").rglob("*") if path.is_file()] == []
    assert list((tree / "var/lib/apt/lists").iterdir()) == list((tree / "var/cache/apt").iterdir()) == []
    assert list(tree.rglob("ssh_host_*")) == list(tree.glob("boot/initrd*")) == list(tree.rglob("libeatmydata*")) == []
    assert str((tree / "etc/resolv.conf").readlink()) == "/run/resolv.conf"
    shadow = (tree / "etc/shadow").read_text().splitlines()
    assert [line.split(":")[1] for line in shadow if line.startswith("root:")] == ["*"]
    assert str(small.pkglist.parent) not in (tree / "etc/apt/sources.list.d/image.sources").read_text()
    host = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else ""
    assert len(host) < 4 or host not in "".join(path.read_text() for path in (tree / "etc").glob("host*"))


def test_nothing_is_newer_than_the_newest_package(small: Small) -> None:
    layer = next((small.site.cache / "layers").glob("*/layer.json"))
    epoch = json.loads(layer.read_text())["epoch"]
    assert [path for path in small.tree.rglob("*") if path.lstat().st_mtime > epoch] == []


def test_fstab_is_xcats_and_the_original_is_kept(small: Small) -> None:
    text = (small.tree / "etc/fstab").read_text()
    assert text.splitlines()[-1].split() == ["small_x86_64", "/", "tmpfs", "rw", "0", "1"]
    assert (small.tree.parent / "fstab.default").read_text() == text


def test_a_second_run_does_nothing(small: Small) -> None:
    before = small.tree.stat().st_ino, (small.tree.parent / "plan.json").stat().st_mtime_ns
    again = genimage(small.site, "small")
    assert again["built"] == []
    assert before == (small.tree.stat().st_ino, (small.tree.parent / "plan.json").stat().st_mtime_ns)
    planned = plan_genimage(small.site, "small")
    *rows, last = str(planned).splitlines()
    assert len(rows) == len(EVERYTHING)
    assert all(" cached " in row for row in rows)
    assert last == f"plan {again['plan']}"
    assert planned == plan_genimage(small.site, "small")


def test_an_image_with_the_same_packages_reuses_the_layer(small: Small) -> None:
    tree = another(small, "twin")
    assert [step.name for step in plan_genimage(small.site, "twin").pending] == EVERYTHING[2:]
    result = genimage(small.site, "twin")
    assert "packages" in result["cached"]
    assert (tree / "etc/fstab").read_text().splitlines()[-1].startswith("twin_x86_64")
    (tree / "usr/bin/own-tool").write_text("changed")
    assert (small.tree / "usr/bin/own-tool").read_text() == "#!/bin/sh\n"


def test_modes_survive_the_copy_and_device_nodes_are_left_to_the_node(small: Small) -> None:
    assert list((small.tree / "dev").iterdir()) == []
    listed = subprocess.run(["stat", "--format=%a %U", small.tree / "usr/bin/passwd"], capture_output=True, text=True)
    assert listed.stdout.split() == ["4755", "root"]


def test_an_unknown_package_is_located_and_near_names_given(small: Small) -> None:
    pkglist = small.pkglist.with_name("wrong.pkglist")
    pkglist.write_text("# comment\nown-tool,own-tol\n")
    another(small, "wrong")
    small.site.set("osimage", "wrong", pkglist=str(pkglist))
    with pytest.raises(ListFileError, match=r"wrong.pkglist:2: no source has a package own-tol") as caught:
        genimage(small.site, "wrong")
    assert "own-tool" in str(caught.value.hint)
    pkglist.write_text("\n\n@group\n")
    with pytest.raises(ListFileError, match=r"wrong.pkglist:3: '@group' is not a package name of Debian"):
        genimage(small.site, "wrong")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pkglist": None}, "A .pkglist file must be specified for image 'bad' in the linuximage table."),
        ({"provmethod": "install"}, "Make sure osimage.provmethod is 'netboot'."),
        ({"rootimgdir": "/usr/lib/images/x"}, "is no place for an image"),
        ({"rootimgdir": "/srv"}, "is no place for an image"),
        ({"rootimgdir": "/srv/../usr/x"}, "is not an absolute path"),
        ({"osvers": "rhels7.9"}, "not supported: rhels7.9"),
        ({"osvers": "plan9"}, "not supported yet: plan9"),
        ({"postinstall": "/nonexistent"}, "'/nonexistent' does not exist!"),
        ({"pkglist": "/nonexistent"}, "The pkglist specified '/nonexistent' does not exist!"),
    ],
)
def test_refused_before_anything_is_done(small: Small, change: dict[str, str | None], message: str) -> None:
    another(small, "bad", rootimgdir="", postinstall="")
    small.site.set("osimage", "bad", **change)
    with pytest.raises((DefinitionError, BuildError, NotFoundError)) as caught:
        genimage(small.site, "bad")
    assert message in caught.value.message


def test_two_images_may_not_share_a_tree(small: Small) -> None:
    define(small.site, "thief", small.pkglist, str(small.pkglist.parent), rootimgdir=str(small.tree.parent))
    try:
        with pytest.raises(DefinitionError, match="'thief' and 'small' share the rootimgdir"):
            genimage(small.site, "thief")
    finally:
        small.site.delete("osimage", "thief")
    with pytest.raises(NotFoundError, match=r"Cannot find image 'thief' from the osimage table\."):
        genimage(small.site, "thief")


def test_the_tree_is_the_same_when_dpkg_itself_decompresses(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = small.report.lines
    after = next(number for number, line in enumerate(lines) if "essential.sh" in line)
    assert any(re.match(r"Get:.* copy:.* Packages", line) for line in lines[after:]), (
        "others took the place of archives"
    )
    (spared,) = (small.site.cache / "layers").glob("*/tree")
    manager = read_spec(small.site, "small").manager
    monkeypatch.setattr(archives, "_ROOM", 10**9)
    report = Recorder()
    (tmp_path / "layer").mkdir()
    manager.install(manager.resolve(report), tmp_path / "layer/tree", report)
    assert listed(tmp_path / "layer/tree") == listed(spared)
    assert [path.name for path in (tmp_path / "layer").iterdir()] == ["tree"]


def listed(tree: Path) -> dict[str, tuple[object, ...]]:
    """Return all of a layer but times, which come later, and the source, which names the place of the build."""
    found = {}
    for path in tree.rglob("*"):
        status, link = path.lstat(), str(path.readlink()) if path.is_symlink() else ""
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not link else link
        name = str(path.relative_to(tree))
        known = None if name == "etc/apt/sources.list" else content
        found[name] = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev, status.st_nlink, known)
    return found


def test_a_tree_that_is_brought_up_to_date_is_what_a_build_by_force_gives(small: Small, tmp_path: Path) -> None:
    script, listed = tmp_path / "post.sh", tmp_path / "more.pkglist"
    script.write_text('#!/bin/sh -e\n# sb-inputs: none\necho more >> "$1/etc/passwd"; chmod 700 "$1/usr/share"\n')
    script.chmod(0o755)
    listed.write_text(small.pkglist.read_text() + "own-later\n")
    tree = another(small, "updated", postinstall=str(script))
    genimage(small.site, "updated")
    tool = tree / "usr/bin/own-tool"
    tool.write_bytes(tool.read_bytes()[::-1])
    (tree / "etc/hand").mkdir()
    (tree / "etc/hand/made").symlink_to("/etc/passwd")
    subprocess.run(["rm", "-r", tree / "usr/share"], check=True)
    (tree / "usr/share").symlink_to(tmp_path)
    small.site.set("osimage", "updated", pkglist=str(listed))
    initrd, report = tree.with_name("initrd-stateless.gz"), Recorder()
    bits = initrd.read_bytes()
    genimage(small.site, "updated", report=report)
    assert any("is brought up to date" in line for line in report.lines)
    assert any("initrd: kept" in line for line in report.lines)
    assert initrd.read_bytes() == bits
    found = listing(tree, 2**40)
    report = Recorder()
    genimage(small.site, "updated", force=True, report=report)
    assert listing(tree, 2**40) == found
    assert initrd.read_bytes() == bits
    genimage(small.site, "updated", onlyinitrd=True, report=report)
    assert not any("brought up" in line or "initrd: kept" in line for line in report.lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more.pkglist", "post.sh"]
