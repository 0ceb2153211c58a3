"""Manifests of real trees and packed images: built by rpmbuild and rpm, dnf, dpkg; nothing in them is changed."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from rpms import install, make_repository, make_rpm

from sbkernel.errors import BuildError, ListFileError, NotFoundError
from sbkernel.images import manifests
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.formats import FORMATS, format_for
from sbkernel.images.packimage import packimage
from sbkernel.jobs.report import NullReport
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.readers.deb import dpkg
from sbkernel.site import Site

KERNELS = ("5.14.0-427.el9", "5.14.0-503.el9")
COPYRIGHT = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rpms")
    for evr in KERNELS:
        make_rpm(directory, "kernel-core", evr)
    make_rpm(directory, "openssl-libs", "1:3.0.7-27.el9", more="Obsoletes: openssl-compat < 2")
    make_rpm(directory, "tzdata", "2024a-1.el9", "noarch", licence="LicenseRef-Public-Domain")
    make_rpm(directory, "tool", more="Requires: tzdata")
    make_repository(directory)
    return directory


@pytest.fixture(scope="module")
def rpm_tree(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = install(tmp_path_factory.mktemp("tree") / "root", *sorted(repository.glob("*/*.rpm")))
    (tree / "etc").mkdir()
    (tree / "etc/os-release").write_text('ID="rocky"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4"\n')
    return tree


def deb_tree(directory: Path) -> Path:
    """Make a tree of this machine's own dpkg database, cut to a few packages, with a link as os-release."""
    wanted = {"bash", "libc6", "dpkg", "base-files"}
    text = Path("/", dpkg.STATUS).read_text()
    kept = [part for part in text.split("\n\n") if part.partition("\n")[0].removeprefix("Package: ") in wanted]
    files = {
        dpkg.STATUS: "\n\n".join(kept) + "\n",
        dpkg.EXTENDED_STATES: "Package: bash\nArchitecture: amd64\nAuto-Installed: 1\n",
        "usr/share/doc/bash/copyright": COPYRIGHT,
        "usr/lib/os-release": "ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian\n",
    }
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)
    (directory / "etc").mkdir()
    (directory / "etc/os-release").symlink_to("/usr/lib/os-release")
    return directory


def pack(tree: Path, output: Path) -> Path:
    subprocess.run(["mksquashfs", tree, output, "-quiet", "-no-progress"], check=True, capture_output=True)
    return output


def fingerprint(tree: Path) -> dict[str, object]:
    """Return every path of a tree with content and time."""
    return {
        str(path): (path.lstat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in tree.rglob("*")
    }


def facts(manifest: Manifest) -> list[str]:
    return [str(package) for package in manifest]


def test_an_rpm_tree_and_its_kernels(rpm_tree: Path) -> None:
    before = fingerprint(rpm_tree)
    found = manifests.of_tree(rpm_tree)
    assert facts(found) == [
        "kernel-core=5.14.0-427.el9:x86_64", "kernel-core=5.14.0-503.el9:x86_64",
        "openssl-libs=1:3.0.7-27.el9:x86_64", "tool=1.0-1:x86_64", "tzdata=2024a-1.el9:noarch",
    ]  # fmt: skip
    assert (found.family, found.release, found.kind) == ("rpm", ("rocky", "9.4", "Rocky Linux 9.4"), "tree")
    assert len(found.versions()["kernel-core", "x86_64"]) == 2
    openssl = found.packages[2]
    assert openssl[4:] == (
        13, "openssl-libs", "3.0.7-27.el9", "", "", "Test Vendor", "GPLv2+ and MIT", None, "Test Vendor",
        "https://example.invalid/openssl-libs", "made to measure and to test", ("openssl-compat",), "",
    )  # fmt: skip
    assert fingerprint(rpm_tree) == before, "rpm writes beside the database it reads, so it gets a copy"


def test_a_change_of_architecture_is_another_package(repository: Path, tmp_path: Path) -> None:
    make_rpm(tmp_path / "new", "tzdata", "2024a-1.el9", "x86_64")
    tree = install(tmp_path / "root", *sorted((tmp_path / "new").glob("*/*.rpm")))
    assert list(manifests.of_tree(tree).versions()) == [("tzdata", "x86_64")]


@pytest.mark.parametrize("database", ["/usr/lib/sysimage/rpm", "/root/.rpmdb"])
def test_rpm_databases_in_other_places(repository: Path, tmp_path: Path, database: str) -> None:
    tree = install(tmp_path / "root", repository / "x86_64/tool-1.0-1.x86_64.rpm", database=database)
    if database.startswith("/usr"):
        (tree / "var/lib").mkdir(parents=True, exist_ok=True)
        (tree / "var/lib/rpm").symlink_to(f"../..{database}")
    assert facts(manifests.of_tree(tree)) == ["tool=1.0-1:x86_64"]
    assert facts(manifests.of_packed(pack(tree, tmp_path / "x.squashfs"))) == ["tool=1.0-1:x86_64"]


def test_dnf_tells_who_asked_and_which_repository_it_was(repository: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["dnf", "--assumeyes", f"--installroot={tmp_path}/root", "--releasever=9", "--setopt=reposdir=/none",
         f"--repofrompath=own,{repository}", "--repo=own", "--nogpgcheck", f"--setopt=cachedir={tmp_path}/cache",
         "--forcearch=x86_64", "install", "tool"], check=True, capture_output=True,
    )  # fmt: skip
    found = manifests.of_tree(tmp_path / "root")
    assert [(p.name, p.explicit, p.origin) for p in found] == [("tool", True, "own"), ("tzdata", False, "own")]
    packed = manifests.of_packed(pack(tmp_path / "root", tmp_path / "x.squashfs"))
    assert packed.packages == found.packages


@pytest.mark.parametrize("method", FORMATS)
def test_a_deb_tree_and_the_same_tree_packed(tmp_path: Path, method: str) -> None:
    tree = deb_tree(tmp_path / "root")
    found = manifests.of_tree(tree)
    assert [p.name for p in found] == ["base-files", "bash", "dpkg", "libc6"]
    bash = found.packages[1]
    assert (bash.licence, bash.explicit, bash.family) == ("GPL-2+", False, "deb")
    assert found.release.short == "debian-12"
    os.utime(tree / dpkg.STATUS, (1_600_000_000, 1_600_000_000))
    found = manifests.of_tree(tree)
    packed = format_for(PackOptions(method))
    packed.pack(content_of(tree, exclude=[], include=[]), tmp_path / "x", NullReport())
    assert manifests.of_packed(tmp_path / "x", name=found.name, kind=found.kind) == found
    assert manifests.of_file(tmp_path / "x").packages == found.packages


def test_the_lists_of_apt_tell_where_packages_came_from(tmp_path: Path) -> None:
    tree = deb_tree(tmp_path / "root")
    version = next(p.version for p in dpkg.installed(tree) if p.name == "bash")
    lists = tree / "var/lib/apt/lists"
    lists.mkdir(parents=True)
    text = f"Package: bash\nVersion: {version}\nArchitecture: amd64\nSHA256: {'a' * 64}\n"
    plain = lists / "deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages"
    plain.write_text(text)
    subprocess.run(["xz", plain], check=True)
    bash = manifests.of_tree(tree).packages[1]
    assert (bash.origin, bash.sha256) == ("deb.example.org/debian bookworm/main", "a" * 64)


def test_files_are_taken_for_what_they_are(tmp_path: Path, rpm_tree: Path) -> None:
    found = manifests.of_file(rpm_tree)
    (tmp_path / "manifest.json").write_text(found.to_json())
    assert manifests.of_file(tmp_path / "manifest.json") == found
    assert facts(manifests.of_file(pack(rpm_tree, tmp_path / "x"))) == facts(found)
    with pytest.raises(NotFoundError, match="no manifest, packed image or tree"):
        manifests.of_file(tmp_path / "none")
    (tmp_path / "text").write_text("hello\n")
    with pytest.raises(ListFileError, match="text:1: not JSON"):
        manifests.of_file(tmp_path / "text")


def test_what_cannot_be_read_says_so(tmp_path: Path, rpm_tree: Path) -> None:
    with pytest.raises(NotFoundError, match=r"has no package database\n  is it a root tree"):
        manifests.of_tree(tmp_path)
    broken = tmp_path / "broken"
    shutil.copytree(rpm_tree, broken)
    (broken / "var/lib/rpm/rpmdb.sqlite").write_bytes(os.urandom(5000))
    with pytest.raises(BuildError, match=r"the rpm database .*/var/lib/rpm cannot be read:\n"):
        manifests.of_tree(broken)
    (broken / "var/lib/rpm/rpmdb.sqlite").rename(broken / "var/lib/rpm/Packages.db")
    with pytest.raises(BuildError, match=r"of a kind that the rpm of this machine does not read: Packages.db\n"):
        manifests.of_tree(broken)
    packed = pack(rpm_tree, tmp_path / "x.squashfs")
    packed.write_bytes(packed.read_bytes()[:2000])
    with pytest.raises(BuildError, match=r"x.squashfs cannot be read as a packed image:\n"):
        manifests.of_packed(packed)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site.open(tmp_path / "site")
    built = tmp_path / "built"
    deb_tree(built / "rootimg")
    (built / "kernel").write_bytes(b"k")
    (built / "initrd-stateless.gz").write_bytes(b"i")
    record = {"steps": {}, "kernelver": "6.1", "asked": ["bash"], "origins": {}}
    for package in dpkg.installed(built / "rootimg"):
        record["origins"] |= {str(package): ["deb.example.org/debian main", "b" * 64]}  # type: ignore[operator]
    (built / "plan.json").write_text(json.dumps(record))
    site.set(
        "osimage", "img", osvers="debian12", osarch="x86_64", profile="img", provmethod="netboot", imagetype="linux",
        osname="Linux", rootimgdir=str(built), pkglist="/dev/null",
    )  # fmt: skip
    return site


def test_an_image_before_and_after_it_is_packed(site: Site, tmp_path: Path) -> None:
    built = manifests.of_image(site, "img")
    assert [p.name for p in built if p.explicit] == ["bash"]
    assert {(p.origin, p.sha256) for p in built} == {("deb.example.org/debian main", "b" * 64)}
    first = packimage(site, "img")["digest"]
    published = manifests.of_image(site, "img")
    assert published.packages == built.packages
    assert (published.kind, published.name, published.release.id) == ("image", "img", "debian")
    status = tmp_path / "built/rootimg" / dpkg.STATUS
    status.write_text(status.read_text().replace("Package: dpkg", "Package: dpkg-new"))
    packimage(site, "img")
    assert "dpkg-new" in [p.name for p in manifests.of_image(site, "img")]
    for version in ("previous", first, first[:8]):
        assert manifests.of_image(site, f"img@{version}").packages == built.packages
    assert "dpkg-new" in [p.name for p in manifests.of_image(site, "img@built")]


def test_a_version_without_a_manifest_is_looked_into(site: Site) -> None:
    packimage(site, "img")
    version = Catalog(site).current("img")
    (version.dir / "manifest.json").write_text("[]")
    assert len(manifests.of_image(site, "img")) == 4


def test_versions_that_are_not_there(site: Site) -> None:
    packimage(site, "img")
    with pytest.raises(NotFoundError, match="image img has no version 0badc0de"):
        manifests.of_image(site, "img@0badc0de")
    with pytest.raises(NotFoundError, match="no version before this one"):
        manifests.of_image(site, "img@previous")
    with pytest.raises(NotFoundError, match="Could not find an object named 'none' of type 'osimage'"):
        manifests.of_image(site, "none")
    site.set("osimage", "new", osvers="debian12", osarch="x86_64", profile="new", provmethod="netboot")
    with pytest.raises(NotFoundError, match=r"image 'new' was never built\n  sb genimage new"):
        manifests.of_image(site, "new")
