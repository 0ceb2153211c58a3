"""A small image, built once from a minimal base and packages that the tests make; what tests of genimage share."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from debs import KERNELS, make_repository, pkgdir
from waiting import until

from sbkernel.errors import BuildError
from sbkernel.images.genimage import genimage
from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.site import Site

EVERYTHING = ["download", "packages", "tree", "configure", "kernel", "initrd", "manifest"]
TARGET = "sbkernel.images.genimage:genimage"


@dataclass
class Recorder:
    """A report that keeps everything."""

    phases: list[str] = field(default_factory=list)
    counts: list[tuple[int, int | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:
        self.phases.append(title)
        yield

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        self.counts.append((done, total))

    def log(self, line: str) -> None:
        self.lines.append(line)

    def result(self, **data: object) -> None:
        pass


@dataclass
class Small:
    """A site with one image, built once from a minimal base and packages that this test made."""

    site: Site
    pkglist: Path
    tree: Path
    report: Recorder
    result: dict[str, object]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    debs = tmp_path_factory.mktemp("debs")
    make_repository(debs)
    pkglist = debs / "small.pkglist"
    pkglist.write_text("own-tool\n" + "".join(f"linux-image-{version}\n" for version in KERNELS))
    with Site.open(tmp_path_factory.mktemp("site") / "it has blanks") as site:
        define(site, "small", pkglist, pkgdir(debs))
        report = Recorder()
        result = genimage(site, "small", report=report)
        yield Small(site, pkglist, Path(str(result["rootimgdir"])) / "rootimg", report, result)


def define(site: Site, image: str, pkglist: Path, pkgdir: str, **more: str) -> None:
    values = {"osvers": "debian12", "osarch": "x86_64", "profile": image, "provmethod": "netboot", **more}
    site.set("osimage", image, imagetype="linux", pkglist=str(pkglist), pkgdir=pkgdir, **values)


def another(small: Small, image: str, **more: str) -> Path:
    """Define an image with the packages of the small one and return its tree-to-be."""
    define(small.site, image, small.pkglist, small.site.osimages["small"].get("pkgdir"), **more)
    return small.site.installdir / "netboot/debian12/x86_64" / image / "rootimg"


def assert_nothing_left(site: Site) -> None:
    """Nothing is mounted below the site, no process works there, no half of a layer or tree is there."""
    escaped = str(site.root).replace(" ", "\\040")
    assert escaped not in Path("/proc/self/mountinfo").read_text()
    assert not list(site.installdir.glob("netboot/*/*/*/.new"))
    assert not list((site.cache / "layers").glob(".new-*"))
    assert not processes(site)


def processes(site: Site) -> list[str]:
    found = (path / "cmdline" for path in Path("/proc").glob("[0-9]*") if path.name != str(os.getpid()))
    return [text for file in found if str(site.root) in (text := read(file))]


def read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace").replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def started(small: Small, image: str, packages: str) -> Job:
    """Start a build that has to install all packages, and return when it does."""
    another(small, image)
    pkglist = small.pkglist.with_name(f"{image}.pkglist")
    pkglist.write_text(small.pkglist.read_text() + packages)
    small.site.set("osimage", image, pkglist=str(pkglist))
    job = jobs.start(small.site, "genimage", TARGET, image=image, clean=True)
    until(lambda: job.progress.phase == "install packages" and job.progress.done >= 3, 120)
    assert processes(small.site)
    assert list(small.site.cache.glob("layers/.new-*/mmdebstrap.*")), "temporary files lie with the partial layer"
    return job


def assert_a_capture_is_kept(small: Small) -> None:
    """Write down that the tree was captured from a node: nothing but force replaces it then."""
    record = small.tree.parent / "plan.json"
    captured = {"node": "n1", "t": 0.0, "by": "anna", "host": "here", "kernel": "6.1"}
    record.write_text(json.dumps({**json.loads(record.read_text()), "captured": captured}))
    with pytest.raises(BuildError, match="image 'small' was captured from n1, 1970-01-01 00:00 UTC: a build from its"):
        genimage(small.site, "small")
