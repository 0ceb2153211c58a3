"""The directory in which a benchmark works. It has a new site, and is removed at the end with all that runs in it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sbkernel.images import rootimgdir
from sbkernel.images.genimage import genimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import NullReport, Report
from sbkernel.service.client import Service
from sbkernel.service.verbs import rpower
from sbkernel.site import Site

COMPUTE_IMAGE = "debian12-x86_64-netboot-compute"
Say = Callable[[str], None]


@dataclass
class Workspace:
    """A directory, its site, and what the rows share: built images and the number of runs (0: that of the row)."""

    root: Path
    site: Site
    say: Say
    runs: int = 0
    _built: dict[str, RootimgDir] = field(default_factory=dict)

    def runs_or(self, default: int) -> int:
        """Return how often each side runs: as requested, else the default of the row."""
        return self.runs or default

    def fresh(self, name: str) -> Path:
        """Return an empty directory of a name. A previous one is removed."""
        path = self.root / name
        remove_tree(path)
        path.mkdir(parents=True)
        return path

    def sb(self, *words: str) -> list[str]:
        """Return the command by which a user calls a verb on this site."""
        return [sys.executable, "-m", "sbkernel.cli", "--site", str(self.site.root), *words]

    def built(self, image: str = COMPUTE_IMAGE) -> RootimgDir:
        """Return the directory of a built image. It is built if no row has built it yet."""
        if image not in self._built:
            self.say(f"building {image} to work with (not timed)")
            self._built[image] = self._build(image, NullReport())
        return self._built[image]

    def forget(self, image: str = COMPUTE_IMAGE) -> None:
        """Remove what earlier builds left in the site: package lists, packages, layers and the tree of the image."""
        remove_tree(self.site.cache)
        remove_tree(rootimgdir.checked(self.site, image, self.site.osimages[image].attributes))
        self._built.pop(image, None)

    def build_cold(self, report: Report, image: str = COMPUTE_IMAGE) -> RootimgDir:
        """Build an image with nothing cached."""
        self._built[image] = self._build(image, report, force=True)
        return self._built[image]

    def build_again(self, report: Report, image: str = COMPUTE_IMAGE) -> RootimgDir:
        """Build an image from what is cached."""
        self._built[image] = self._build(image, report)
        return self._built[image]

    def _build(self, image: str, report: Report, *, force: bool = False) -> RootimgDir:
        return RootimgDir(Path(genimage(self.site, image, report=report, force=force)["rootimgdir"]))


@contextmanager
def workspace(
    say: Say, *, runs: int = 0, pkglist: Path | None = None, keep: bool = False, where: Path | None = None
) -> Iterator[Workspace]:
    """Make a workspace for a block. At its end the nodes are off, the service is stopped and the directory is removed.

    `pkglist` replaces the list of the compute image. `keep` keeps the directory. `where` names it; then it is kept, and
    what it contains is used again.
    """
    root = Path(tempfile.mkdtemp(prefix="sbkernel-bench-")) if where is None else where.absolute()
    try:
        with Site.open(root / "site") as site:
            if pkglist is not None:
                site.set("osimage", COMPUTE_IMAGE, pkglist=str(pkglist.absolute()))
            try:
                yield Workspace(root, site, say, runs)
            finally:
                _quiet(site)
    finally:
        if keep or where is not None:
            say(f"kept: {root}")
        else:
            remove_tree(root)


def _quiet(site: Site) -> None:
    """Power every node off and stop the service."""
    service = Service(site)
    if site.nodes and service.status():
        rpower(site, ",".join(site.nodes), "off", confirm=len(site.nodes))
    service.stop()
