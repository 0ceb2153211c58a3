"""kill -9 at forty random moments of all that makes, packs, collects or exports images: nothing is lost or left."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from debs import KERNELS, index, make_deb, make_repository, pkgdir
from smallbuild import assert_nothing_left, define, processes
from waiting import until

from sbkernel.images.bundle.export_image import export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.genimage import genimage
from sbkernel.images.packimage import packimage
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

IMAGE = "killed"
_DO = """
import sys
from sbkernel.images.bundle.export_image import export_image
from sbkernel.images.genimage import genimage
from sbkernel.images.packimage import packimage
from sbkernel.rollout.versions.gc import gc
from sbkernel.site import Site

work = {
    "genimage": lambda site: genimage(site, "killed"),
    "packimage": lambda site: packimage(site, "killed"),
    "packimage anew": lambda site: packimage(site, "killed", force=True),
    "packimage layered": lambda site: packimage(site, "killed", layered=True),
    "gc": lambda site: gc(site, keep=0, older_than="0d"),
    "export": lambda site: export_image(site, "killed", site.root / "bundle.tar"),
}
with Site.open(sys.argv[1]) as site:
    print("ready", flush=True)
    work[sys.argv[2]](site)
"""
KILLS = {"genimage": 14, "packimage": 6, "packimage anew": 2, "packimage layered": 6, "gc": 6, "export": 6}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a site with an image that was built and packed once, and can be built with one package more."""
    debs = tmp_path_factory.mktemp("debs")
    make_repository(debs)
    make_deb(debs, "one-more", {"usr/share/one-more": "x" * 4000})
    index(debs)
    with Site.open(tmp_path_factory.mktemp("site")) as site:
        pkglist = site.root / "killed.pkglist"
        define(site, IMAGE, pkglist, pkgdir(debs))
        ask(site)
        genimage(site, IMAGE)
        packimage(site, IMAGE)
        yield site


def ask(site: Site, *more: str) -> None:
    """Write the package list."""
    names = ("own-tool", f"linux-image-{KERNELS[0]}", *more)
    (site.root / "killed.pkglist").write_text("".join(f"{name}\n" for name in names))


def begin(site: Site, work: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _DO, str(site.root), work]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def seconds(site: Site, work: str) -> float:
    """Do the work to its end, and return how long it takes."""
    start = time.monotonic()
    _, said = begin(site, work).communicate(timeout=300)
    assert not said
    return time.monotonic() - start


def killed(site: Site, work: str, after_s: float) -> None:
    process = begin(site, work)
    time.sleep(after_s)
    process.kill()
    process.communicate()
    until(lambda: not processes(site))


@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_left_when_the_process_is_killed_at_any_moment(site: Site) -> None:
    chance = random.Random(20)
    first = Catalog(site).current(IMAGE).digest
    ask(site, "one-more")
    takes = {work: seconds(site, work) for work in KILLS}
    moments = [(work, chance.uniform(0, takes[work])) for work, count in KILLS.items() for _ in range(count)]
    chance.shuffle(moments)
    for number, (work, after_s) in enumerate(moments):
        if work == "genimage":
            ask(site, *(["one-more"] if number % 2 else []))
        killed(site, work, after_s)
        current = Catalog(site).current(IMAGE)
        assert current.damaged() == [], f"{work}, killed after {after_s:.2f} s"
        assert str(site.root) not in Path("/proc/self/mountinfo").read_text()
    ask(site)
    genimage(site, IMAGE)
    assert packimage(site, IMAGE)["digest"] == first, "the same list gives the same bits, whatever was killed meanwhile"
    gc(site, keep=0, older_than="0d")
    assert_nothing_left(site)
    assert [path.name for path in site.catalog.iterdir() if path.name.startswith((".tmp", ".gone", ".new"))] == []
    export_image(site, IMAGE, site.root / "bundle.tar")
    assert [path.name for path in site.root.iterdir() if "bundle" in path.name] == ["bundle.tar"]
    import_image(site, site.root / "bundle.tar")
