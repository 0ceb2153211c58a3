"""Packages that come and go, for each kind of repository, and how a layer of some of them is made."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import changingdebs
import changingrpms
from repository import REPOSITORIES, DebianRepository, RpmRepository

from sbkernel.images.families.package_manager import PackageManager, Resolution
from sbkernel.images.layers.layers import Layers
from sbkernel.images.layers.listing import listing
from sbkernel.images.layers.making import Making
from sbkernel.images.plan import digest_of
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

REPORT = NullReport()


@dataclass
class Pool:
    """Packages that are always wanted, in this order, and others that may be, as lists name them."""

    make: Callable[[Path], None]
    always: tuple[str, ...]
    free: tuple[str, ...]

    def random_list(self, chance: random.Random) -> str:
        """Return a package list of some of them, in the order in which they always stand."""
        chosen = {name.partition("=")[0]: name for name in self.free if chance.random() < 0.5}
        return "".join(f"{name}\n" for name in (*self.always, *chosen.values()))


RPMS = Pool(changingrpms.make_pool, changingrpms.ALWAYS, changingrpms.FREE)
POOLS = {
    "debian": Pool(changingdebs.make_pool, changingdebs.ALWAYS, changingdebs.FREE),
    "dnf": RPMS,
    "zypper": RPMS,
}


def repository(family: str, place: Path, base: Path) -> DebianRepository | RpmRepository:
    """Return the repository of a pool in a directory."""
    found: DebianRepository | RpmRepository = REPOSITORIES[family](place, base)
    return found


def making(
    repository: DebianRepository | RpmRepository, site: Site, layers: Layers, text: str, **how: bool
) -> tuple[Making, str]:
    """Return how the layer of a list is made, its packages being fetched, and its digest."""
    manager: PackageManager = repository.open(site, text)
    resolution: Resolution = manager.resolve(REPORT)
    manager.fetch(resolution, REPORT)
    return Making(layers, manager, resolution, **how), digest_of(manager.inputs(resolution))


def made(
    repository: DebianRepository | RpmRepository, site: Site, layers: Layers, text: str, report: Report | None = None
) -> tuple[str, str]:
    """Make the layer of a list; return its digest and how it was made."""
    how, digest = making(repository, site, layers, text)
    os.close(layers.make(digest, lambda tree: how.make(tree, report or REPORT)))
    return digest, str(layers.facts(digest)["how"])


def content(layers: Layers, digest: str) -> dict[str, str]:
    """Return what is at each path of a layer, and which of its files are one."""
    tree = layers.tree(digest)
    found = listing(tree, layers.facts(digest)["epoch"])
    one: dict[int, str] = {}
    for name in sorted(found):
        status = (tree / name).lstat()
        found[name] += f" is {one.setdefault(status.st_ino, name)}"
    return found
