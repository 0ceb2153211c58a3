"""The rows `build-dnf`: genimage of an rpm image, compared with dnf alone on the same repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sbkernel.bench.build import present
from sbkernel.bench.clock import Phases, Spells, interleaved, timed
from sbkernel.bench.peers import dnf
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.rpms.distribution import BOOTABLE, KERNEL, make_distribution
from sbkernel.bench.workspace import Workspace
from sbkernel.images.genimage import genimage
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.packages.manifest import from_json

IMAGE, OSVERS, VERSION = "dnf", "rocky9.4", "9"
NAMES = ("@core", KERNEL)
GOAL = Goal(1.1, "at most a tenth slower than dnf alone")
OURS = "genimage with nothing cached: resolve, fetch, install, configure, kernel, initrd"
PEER = "dnf --installroot with the same repository and packages"
OURS_AGAIN = "genimage of the unchanged image"
PEER_AGAIN = "the same dnf command again, which has nothing to do"


@dataclass(frozen=True)
class Sides:
    """Both ways to fill a tree from one repository."""

    work: Workspace
    repository: Path
    phases: Phases

    @property
    def place(self) -> Path:
        """Return where the peer works."""
        return self.work.root / "dnf-alone"

    def ours(self) -> None:
        """Build the image from nothing."""
        self.phases.clear()
        self.work.build_cold(self.phases, IMAGE)

    def again(self) -> None:
        """Build the image again."""
        genimage(self.work.site, IMAGE)

    def peer(self) -> None:
        """Fill the tree of the peer; if it is full, find that out."""
        dnf.install(self.repository, VERSION, NAMES, self.place / "tree", self.place)

    def cold(self, runs: int) -> Spells:
        """Time both sides in turn, each without anything of its earlier runs."""
        ours, peer = [], []
        for number in range(1, runs + 1):
            self.work.say(f"build-dnf: genimage and dnf, run {number}")
            self.work.forget(IMAGE)
            ours.append(timed(self.ours))
            remove_tree(self.place)
            peer.append(timed(self.peer))
        return Spells(tuple(ours), tuple(peer))

    def same_work(self) -> tuple[Check, ...]:
        """Check that both trees hold the same packages, and that ours boots."""
        built = self.work.built(IMAGE)
        manifest = from_json(built.manifest.read_text(), built.manifest)
        ours = " ".join(sorted(f"{one.name}-{one.version}" for one in manifest.packages))
        peer = " ".join(sorted(f"{name}-{version}" for name, version in dnf.installed(self.place / "tree").items()))
        sizes = present((built.kernel, built.initrd))
        same = Check("packages", ok=bool(ours) and ours == peer, found=f"{len(manifest.packages)} by name and version")
        return same, Check("kernel and initrd", ok=len(sizes) == 2, found=", ".join(sizes) or "none")


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Compare a cold build, and one of an unchanged image."""
    repository = work.root / "converted"
    if not (repository / "repodata").is_dir():
        remove_tree(repository)
        work.say("build-dnf: converting packages of Debian into an rpm repository (not timed)")
        make_distribution(work.site, repository, BOOTABLE)
    _define(work, repository)
    sides = Sides(work, repository, Phases())
    spells = sides.cold(work.runs_or(3))
    notes = (spells.note, sides.phases.note)
    yield BenchRow("build-dnf", OURS, PEER, spells.ours_s, spells.peer_s, sides.same_work(), GOAL, notes=notes)
    spells = interleaved(sides.again, sides.peer, work.runs_or(5))
    checks = sides.same_work()
    yield BenchRow("build-dnf-unchanged", OURS_AGAIN, PEER_AGAIN, spells.ours_s, spells.peer_s, checks)
    remove_tree(sides.place)


def _define(work: Workspace, repository: Path) -> None:
    listed = work.root / f"{IMAGE}.pkglist"
    listed.write_text("".join(f"{name}\n" for name in NAMES))
    work.site.set(
        "osimage", IMAGE, imagetype="linux", osvers=OSVERS, osarch="x86_64", profile=IMAGE, provmethod="netboot",
        pkglist=str(listed), pkgdir=str(repository),
    )  # fmt: skip
