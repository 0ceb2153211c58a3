"""Pack rows on a real small tree with the real mksquashfs, find, cpio and gzip."""

from pathlib import Path

import pytest

from sbkernel.bench.pack import PackWork, against_cpio, against_mksquashfs, cpio_against_cpio, read_once
from sbkernel.bench.peers import cpio, squashfs
from sbkernel.bench.samework import same_paths
from sbkernel.site import Site

IMAGE = "small"
EXLIST = "./usr/share/doc*\n./usr/share/locale*\n./boot*\n+./usr/share/locale/en*\n"
STATUS = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12\n"


@pytest.fixture
def packing(tmp_path: Path) -> PackWork:
    site = Site.open(tmp_path / "site")
    built = tmp_path / "built"
    tree = built / "rootimg"
    for name in ("usr/share/doc/bash", "usr/share/locale/de", "usr/share/locale/en_US", "boot", "var/lib/dpkg", "tmp"):
        (tree / name).mkdir(parents=True)
        (tree / name / "a file").write_text(name * 3000)
    (tree / "var/lib/dpkg/status").write_text(STATUS)
    (tree / "usr/[odd]*name").write_text("x")
    (tree / "bin").symlink_to("usr/bin")
    (built / "kernel").write_bytes(b"kernel")
    (built / "initrd-stateless.gz").write_bytes(b"initrd with lib/sbkernel/unpack.sh\0")
    (tmp_path / "exlist").write_text(EXLIST)
    site.set(
        "osimage", IMAGE, imagetype="linux", provmethod="netboot", osvers="debian12", osarch="x86_64", profile=IMAGE,
        rootimgdir=str(built), pkglist=str(tmp_path / "exlist"), exlist=str(tmp_path / "exlist"),
    )  # fmt: skip
    (tmp_path / "place").mkdir()
    return PackWork(site, IMAGE, tree, tmp_path / "place")


@pytest.mark.parametrize("again", [False, True])
def test_mksquashfs_packs_the_same_content(packing: PackWork, again: bool) -> None:
    read_once(packing.tree)
    row = against_mksquashfs(packing, runs=2, again=again)
    assert row.valid, row.checks
    assert len(row.ours_s) == len(row.peer_s) == 2
    kept = squashfs.paths(packing.packed.root)
    assert {"usr/share/locale/en_US/a file", "usr/[odd]*name", "tmp/a file"} <= kept
    assert not {path for path in kept if path.startswith(("usr/share/doc", "usr/share/locale/de", "boot"))}


@pytest.mark.parametrize("compressor", cpio.compressors())
def test_cpio_packs_the_same_files(packing: PackWork, compressor: str) -> None:
    row = against_cpio(packing, 1, compressor)
    checks = {check.what: check for check in row.checks}
    assert checks["list of files"].ok, row.checks
    assert (row.goal is not None) == (compressor == "gzip")


def test_our_cpio_holds_what_cpio_alone_packs(packing: PackWork) -> None:
    row = cpio_against_cpio(packing, 1)
    assert {check.what: check.ok for check in row.checks}["list of files"], row.checks
    assert (packing.packed.root.name, packing.method) == ("root.cpio.zst", "squashfs")


def test_a_peer_that_packed_another_tree_gets_no_ratio(packing: PackWork) -> None:
    packing.ours()
    (packing.tree / "etc").mkdir()
    archive = packing.place / "other.gz"
    cpio.pack(packing.tree, archive, "gzip", packing.patterns.exclude, packing.patterns.include)
    found = same_paths(squashfs.paths(packing.packed.root), cpio.paths(archive))
    assert not found.ok
    assert "etc" in found.found
