"""Packings side by side: none sweeps away what another has just begun, and what was killed goes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from smallimage import leftovers, publish

from sbkernel.images.catalog import staging
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.site import Site

PACKER = """
import os, sys
from pathlib import Path
from sbkernel import files
from sbkernel.images.catalog import staging
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.site import Site

def say(word):
    print(word, flush=True)
    sys.stdin.readline()

def late(path, **how):
    say("made")  # the directory is there, its lock is not
    return files.hold(path, **how)

if "late" in sys.argv:
    staging.hold = late
with Site.open(sys.argv[1]) as site, Catalog(site).staging() as staged:
    (staged.path / "kernel").write_text("grown")
    say("packing")
    print((staged.path / "kernel").read_text(), flush=True)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as opened:
        yield opened


class Packer:
    """A process that packs, and goes on when told to."""

    def __init__(self, site: Site, *words: str) -> None:
        argv = [sys.executable, "-c", PACKER, str(site.root), *words]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def heard(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def packers() -> Iterator[list[Packer]]:
    started: list[Packer] = []
    yield started
    for packer in started:
        packer.end()


def waits_for_a_lock(process: subprocess.Popen[str]) -> bool:
    """Tell whether a process stands in a queue of proc_locks(5)."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any(f" {process.pid} " in line and " -> " in line for line in lines)


def test_a_directory_whose_lock_is_not_taken_yet_is_spared(site: Site, packers: list[Packer]) -> None:
    packers.append(first := Packer(site, "late"))
    assert first.heard() == "made"
    assert len(leftovers(site.catalog)) == 1
    staging.sweep_unlocked(site.catalog)
    packers.append(second := Packer(site))
    while not waits_for_a_lock(second.process):
        assert second.process.poll() is None
        time.sleep(0.01)
    first.go_on()
    for packer in (first, second):
        assert packer.heard() == "packing"
    with Catalog(site).turn():
        staging.sweep(site.catalog)
    for packer in (first, second):
        packer.go_on()
        assert packer.heard() == "grown"
        assert packer.process.wait(30) == 0
    assert leftovers(site.catalog) == []


@pytest.mark.parametrize("words", [(), ("late",)], ids=["packing", "before its lock"])
def test_what_a_killed_packing_left_goes_with_the_next(
    site: Site, packers: list[Packer], words: tuple[str, ...]
) -> None:
    packers.append(packer := Packer(site, *words))
    assert packer.heard() in ("packing", "made")
    packer.process.send_signal(signal.SIGKILL)
    packer.process.wait(30)
    assert len(leftovers(site.catalog)) == 1
    publish(site, b"root", "img")
    assert leftovers(site.catalog) == []


def test_a_directory_that_its_owner_removes_meanwhile_is_no_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.catalog / ".tmp-1-x").mkdir()

    def gone(path: Path, **_how: object) -> int:
        path.rmdir()
        return os.open(path, os.O_RDONLY)

    monkeypatch.setattr(staging, "hold", gone)
    staging.sweep(site.catalog)
    assert leftovers(site.catalog) == []


def test_names_that_were_half_written_go(site: Site) -> None:
    publish(site, b"root", "img")
    catalog = Catalog(site)
    (catalog.names / ".img.json.123-4.new").write_text("{")
    publish(site, b"root2", "img")
    assert [path.name for path in catalog.names.iterdir()] == ["img.json"]
