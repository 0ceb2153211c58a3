"""What packimage remembers of the tree it packed, and what genimage has told it already."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_packimage import IMAGE, STATUS, define, plant
from waiting import until

from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.packimage import packimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.installed import of_record
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site


@pytest.fixture
def built(tmp_path: Path) -> RootimgDir:
    plant(tmp_path / "built", megabytes=10)
    return RootimgDir(tmp_path / "built")


@pytest.fixture
def site(tmp_path: Path, built: RootimgDir) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        define(opened, IMAGE, built.path)
        yield opened


class Log(NullReport):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.parametrize("back", [False, True])
def test_a_tree_that_is_changed_while_it_is_packed_is_packed_again(site: Site, built: RootimgDir, back: bool) -> None:
    """Even when size and time stamp are as before: then the fingerprint alone would not tell."""
    file = built.tree / "root/file"
    before = file.stat()

    def change() -> None:
        until(lambda: list(site.catalog.glob(".tmp-*/root.squashfs")), every_s=0.001)
        file.write_text("toor")
        if back:
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    other = threading.Thread(target=change)
    other.start()
    report = Log()
    first = packimage(site, IMAGE, report=report, compression="xz")
    other.join()
    assert "the tree was changed while it was packed: the next packimage packs it again" in report.lines
    assert not packimage(site, IMAGE, compression="xz")["cached"]
    assert packimage(site, IMAGE, compression="xz")["cached"]
    assert not first["cached"]


def test_a_pointer_of_before_trees_were_remembered_packs_once_more(site: Site, built: RootimgDir) -> None:
    first = packimage(site, IMAGE)
    pointer = site.catalog / f"names/{IMAGE}.json"
    text = "".join(line for line in pointer.read_text().splitlines(keepends=True) if '"tree"' not in line)
    pointer.write_text(text.replace('"inputs": "', '"inputs": "old').replace('",\n  }', '"\n  }'))
    again = packimage(site, IMAGE)
    assert not again["cached"] and again["digest"] == first["digest"]
    assert packimage(site, IMAGE)["cached"]


def test_the_manifest_of_the_build_counts_until_the_database_changes(site: Site, built: RootimgDir) -> None:
    status = built.tree / "var/lib/dpkg/status"
    os.utime(status, (1_700_000_000, 1_700_000_000))
    text = of_record(built.tree, IMAGE, built.record()).to_json()
    built.manifest.write_text(text.replace("base-files", "noted-files"))
    packimage(site, IMAGE)
    noted = Catalog(site).current(IMAGE).manifest
    assert "noted-files" in {package.name for package in noted}
    assert noted.made == 1_700_000_000
    status.write_text(STATUS.replace("2.36-9+deb12u4", "2.36-9+deb12u5"))
    packimage(site, IMAGE)
    assert {str(package) for package in Catalog(site).current(IMAGE).manifest} == {
        "base-files=12.4+deb12u5:amd64",
        "libc6=2.36-9+deb12u5:amd64",
    }
