"""Diffs of real trees: two of rpm, made by rpmbuild and rpm, and two Debian images, built by genimage and packed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import index, make_deb, make_kernel, pkgdir
from rpms import install, make_rpm

from sbkernel.images import manifests
from sbkernel.images.genimage import genimage
from sbkernel.images.packimage import packimage
from sbkernel.nodes import contents
from sbkernel.packages.diff.diff import Diff, diff
from sbkernel.site import Site

OLD_KERNEL, KERNEL, NEW_KERNEL = "5.14.0-427.el9", "5.14.0-503.el9", "5.14.0-570.el9"


def said(found: Diff) -> list[str]:
    return [f"{row.change} {row.names} {row.arch}: {row.old_version or '-'} {row.new_version or '-'}" for row in found]


@pytest.fixture(scope="module")
def rpm_diff(tmp_path_factory: pytest.TempPathFactory) -> Diff:
    directory = tmp_path_factory.mktemp("rpms")

    def tree(name: str, *packages: Path) -> Path:
        return install(directory / name, *packages)

    before = tree(
        "before",
        *(make_rpm(directory, "kernel-core", version) for version in (OLD_KERNEL, KERNEL)),
        make_rpm(directory, "openssl-libs", "1:3.0.7-27.el9"),
        make_rpm(directory, "epoch-lost", "2:1.0-1"),
        make_rpm(directory, "epoch-won", "9.0-1"),
        make_rpm(directory, "tzdata", "2024a-1.el9", "x86_64"),
        make_rpm(directory, "both", "1.0-1", "x86_64"),
        make_rpm(directory, "both", "1.0-1", "i686"),
        make_rpm(directory, "compat-tool", "1.0-1"),
        make_rpm(directory, "same", "1.0-1.el9_4.2"),
    )
    after = tree(
        "after",
        *(make_rpm(directory, "kernel-core", version) for version in (KERNEL, NEW_KERNEL)),
        make_rpm(directory, "openssl-libs", "1:3.0.7-28.el9_4"),
        make_rpm(directory, "epoch-lost", "3.0-1"),
        make_rpm(directory, "epoch-won", "1:1.0-1"),
        make_rpm(directory, "tzdata", "2024a-1.el9", "noarch"),
        make_rpm(directory, "both", "1.0-1", "x86_64"),
        make_rpm(directory, "tool", "2.0-1", more="Obsoletes: compat-tool < 2"),
        make_rpm(directory, "same", "1.0-1.el9_4.2"),
        make_rpm(directory, "slurm-slurmd", "23.11.4-1"),
    )
    return diff(manifests.of_tree(before), manifests.of_tree(after))


def test_rpm_trees(rpm_diff: Diff) -> None:
    assert said(rpm_diff) == [
        "removed both i686: 1.0-1 -",
        "downgraded epoch-lost x86_64: 2:1.0-1 3.0-1",
        "updated epoch-won x86_64: 9.0-1 1:1.0-1",
        f"updated kernel-core x86_64: {OLD_KERNEL} {NEW_KERNEL}",
        "updated openssl-libs x86_64: 1:3.0.7-27.el9 1:3.0.7-28.el9_4",
        "added slurm-slurmd x86_64: - 23.11.4-1",
        "replaced compat-tool -> tool x86_64: 1.0-1 2.0-1",
        "arch-changed tzdata x86_64 -> noarch: 2024a-1.el9 2024a-1.el9",
    ]


def test_attention_and_sizes_of_rpm_trees(rpm_diff: Diff) -> None:
    assert list(rpm_diff.moved) == ["kernel", "openssl", "slurm"]
    assert rpm_diff.delta_bytes == rpm_diff.b.size_bytes - rpm_diff.a.size_bytes
    assert rpm_diff.summary.splitlines()[1].startswith(
        "kernel, openssl, slurm moved; 1 added, 3 updated, 1 removed, 1 downgraded, 1 replaced, 1 arch-changed, "
    )


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with an image that was built and packed from a repository, and again after the repository moved on."""
    debs, lists = tmp_path_factory.mktemp("debs"), tmp_path_factory.mktemp("lists")
    make_kernel(debs, "6.1.0-9-test")
    make_deb(debs, "tool", {"usr/share/tool": "x" * 5000}, Version="1:1.0-1", Depends="libtool1", Installed_Size="50")
    make_deb(debs, "libtool1", {"usr/lib/libtool1": "x"}, Version="1.0-1", Source="libtool-source")
    make_deb(debs, "slurmd", {"usr/sbin/slurmd": "x"}, Version="99.2-1", Architecture="amd64")
    index(debs)
    pkglist = lists / "img.pkglist"
    pkglist.write_text("tool\nslurmd\nlinux-image-6.1.0-9-test\n")
    with Site.open(tmp_path_factory.mktemp("site")) as site:
        site.set(
            "osimage", "img", osvers="debian12", osarch="x86_64", profile="img", provmethod="netboot",
            imagetype="linux", pkglist=str(pkglist), pkgdir=pkgdir(debs),
        )  # fmt: skip
        genimage(site, "img")
        packimage(site, "img")
        for deb in debs.glob("*.deb"):
            deb.unlink()
        make_kernel(debs, "6.1.0-10-test")
        make_deb(debs, "tool", {"usr/share/tool": "y" * 5000}, Version="1:1.1-1", Depends="libtool2")
        make_deb(debs, "libtool2", {"usr/lib/libtool2": "x"}, Version="2.0-1", Source="libtool-source")
        make_deb(debs, "slurmd", {"usr/sbin/slurmd": "x"}, Version="99.1-1", Architecture="all")
        make_deb(debs, "munge", {"usr/sbin/munged": "x"}, Version="99-1")
        index(debs)
        pkglist.write_text("tool\nslurmd\nmunge\nlinux-image-6.1.0-10-test\n")
        yield site


EXPECTED = [
    "replaced libtool1 -> libtool2 all: 1.0-1 2.0-1",
    "replaced linux-image-6.1.0-9-test -> linux-image-6.1.0-10-test all: 1.0 1.0",
    "added munge all: - 99-1",
    "arch-changed slurmd amd64 -> all: 99.2-1 99.1-1",
    "updated tool all: 1:1.0-1 1:1.1-1",
]


def test_debian_images(debian: Site) -> None:
    asked = contents.diff(debian, "img", "resolve:img")
    assert sorted(said(asked)) == sorted(EXPECTED), "what the lists would bring is known before it is built"
    genimage(debian, "img")
    packimage(debian, "img")
    found = contents.diff(debian, "img@previous", "img")
    assert sorted(said(found)) == sorted(EXPECTED)
    assert list(found.moved) == ["kernel", "slurm"]
    assert {row.name: row.reason for row in found} == {
        "libtool2": "dependency", "linux-image-6.1.0-10-test": "explicit", "munge": "explicit", "slurmd": "explicit",
        "tool": "explicit",
    }  # fmt: skip
    assert [row.name for row in found if row.direction < 0] == ["slurmd"]
    assert len(found.b) - len(found.a) == 1
    assert not contents.diff(debian, "img", "img@built").rows
