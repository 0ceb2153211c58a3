"""The rows `pack`: packimage compared with mksquashfs alone, with cpio and zstd, and with cpio and gzip as in xCAT."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sbkernel.bench.clock import Phases, interleaved
from sbkernel.bench.peers import cpio, squashfs
from sbkernel.bench.row import BenchRow, Goal
from sbkernel.bench.samework import about_as_small, same_paths, same_value
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.images.packimage import packimage
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.jobs.run import DEVNULL, run
from sbkernel.lists import exlist
from sbkernel.lists.exlist import Exlist
from sbkernel.lists.text import paths_of
from sbkernel.site import Site

RUNS = 3
GOAL = Goal(1.15)
AGAIN_GOAL = Goal(0.6, "in six tenths of it")
CPIO_GOAL = Goal(1 / 8, "8 times faster")
OURS = "packimage: compare, pack, checksum, manifest, publish"


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Compare packimage with each peer, on the tree of the compute image."""
    packing = PackWork(work.site, COMPUTE_IMAGE, work.built().tree, work.fresh("pack"))
    read_once(packing.tree)
    for compressor in cpio.compressors():
        work.say(f"pack: find, cpio and {compressor}")
        yield against_cpio(packing, work.runs_or(RUNS), compressor)
    for again in (False, True):
        work.say(f"pack: mksquashfs{', one file changed' if again else ''}")
        yield against_mksquashfs(packing, work.runs_or(RUNS), again=again)
    work.say("pack: find, cpio and zstd")
    yield cpio_against_cpio(packing, work.runs_or(RUNS))


@dataclass(frozen=True)
class PackWork:
    """An image of a site to pack, and its tree. Peers write to `place`."""

    site: Site
    image: str
    tree: Path
    place: Path
    method: str = "squashfs"
    phases: Phases = field(default_factory=Phases)

    @property
    def patterns(self) -> Exlist:
        """Return the exclude list of the image."""
        return exlist.load(paths_of(self.site.osimages[self.image].get("exlist")))

    @property
    def packed(self) -> ImageVersion:
        """Return the version that packimage made last."""
        return Catalog(self.site).current(self.image)

    def forget(self) -> None:
        """Forget what was packed before."""
        built = RootimgDir(self.tree.parent)
        built.units.unlink(missing_ok=True)
        built.sums.unlink(missing_ok=True)

    def change(self) -> None:
        """Change one file of the tree, the same each time but for its content."""
        file = self.tree / "etc/bench"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(os.urandom(4096))
        os.utime(file, (0, 0))

    def ours(self) -> None:
        """Pack the image even if nothing has changed."""
        self.phases.clear()
        packimage(self.site, self.image, method=self.method, report=self.phases, force=True)


def against_cpio(packing: PackWork, runs: int, compressor: str) -> BenchRow:
    """Compare with the way of xCAT. Only gzip has a goal; xCAT uses it if pigz is not installed."""
    archive = packing.place / f"root.cpio.{compressor}"
    patterns = packing.patterns
    spells = interleaved(
        packing.ours,
        lambda: cpio.pack(packing.tree, archive, compressor, patterns.exclude, patterns.include),
        runs,
    )
    checks = (
        same_paths(squashfs.paths(packing.packed.root), cpio.paths(archive)),
        about_as_small(packing.packed.root_size, archive.stat().st_size),
    )
    return BenchRow(
        name=f"pack-{compressor}",
        ours=OURS,
        peer=f"xCAT's packimage: find | cpio -H newc | {compressor}, the same exclude list",
        ours_s=spells.ours_s,
        peer_s=spells.peer_s,
        checks=checks,
        goal=CPIO_GOAL if compressor == "gzip" else None,
        notes=(spells.note, packing.phases.note),
    )


def against_mksquashfs(packing: PackWork, runs: int, *, again: bool) -> BenchRow:
    """Compare with mksquashfs, which gets its exclusions from find, not from us. Both results must hold the same.

    Ours packs for the first time, or `again` after one file has changed. Its version is new both times: one that was
    there would not be published, and its root of 165 MB would be removed again.
    """
    tree, place, patterns = packing.tree, packing.place, packing.patterns
    kept = cpio.with_parents(cpio.selected(tree, patterns.exclude, patterns.include))
    squashfs.write_exclusions(place / "exclude", left_out(cpio.selected(tree, (), ()), kept))
    packing.ours()
    packed, made = Squashfs(), squashfs.made(packing.packed.root)

    def ours() -> None:
        packing.change()
        if not again:
            packing.forget()
        packing.ours()

    # packimage waits for the disk and mksquashfs does not. What one side still has to write must not slow the other.
    spells = interleaved(
        ours,
        lambda: squashfs.pack(tree, place / "root.squashfs", packed, place / "exclude", made),
        runs,
        before=os.sync,
    )
    packed_root, peers = packing.packed.root, place / "root.squashfs"
    checks = (
        same_paths(squashfs.paths(packed_root), squashfs.paths(peers)),
        same_value("sha256 of the content as tar", squashfs.content(packed_root), squashfs.content(peers)),
        about_as_small(packing.packed.root_size, peers.stat().st_size),
    )
    peer = f"mksquashfs alone, {' '.join(squashfs.options(packed))}, the same exclusions"
    notes = (spells.note, packing.phases.note)
    name, goal = ("pack again", AGAIN_GOAL) if again else ("pack", GOAL)
    words = f"{OURS}; one file is new" if again else f"{OURS}; nothing packed before"
    return BenchRow(name, words, peer, spells.ours_s, spells.peer_s, checks, goal, notes=notes)


def cpio_against_cpio(packing: PackWork, runs: int) -> BenchRow:
    """Compare `packimage -m cpio` with find, cpio and zstd alone, the same exclude list on both sides.

    It has no goal: a look for what cpio loses, the initrd, sum and publication take about as long for any tree, and
    zstd is so fast that they show in this one.
    """
    ours, patterns = replace(packing, method="cpio", phases=Phases()), packing.patterns
    archive = packing.place / "root.cpio.zst"
    spells = interleaved(
        ours.ours,
        lambda: cpio.pack(packing.tree, archive, cpio.ZSTD, patterns.exclude, patterns.include),
        runs,
        before=os.sync,
    )
    checks = (
        same_paths(cpio.paths(ours.packed.root), cpio.paths(archive)),
        about_as_small(ours.packed.root_size, archive.stat().st_size),
    )
    peer = "find | cpio -H newc | zstd with all processors, the same exclude list"
    notes = (spells.note, ours.phases.note)
    return BenchRow("pack-cpio", f"{OURS}; -m cpio", peer, spells.ours_s, spells.peer_s, checks, notes=notes)


def read_once(tree: Path) -> None:
    """Read all files and wait until the disk is idle, so that both sides find the same caches."""
    os.sync()
    words = ["find", str(tree), "-xdev", "-type", "f", "-exec", "cat", "{}", "+"]
    run(words, stdout=DEVNULL, isolated=os.geteuid() != 0)


def left_out(paths: Iterable[str], kept: set[str]) -> list[str]:
    """Return the topmost paths that are not kept, sorted."""
    out = {str(PurePosixPath(path)) for path in paths} - kept - {"."}
    return sorted(path for path in out if str(PurePosixPath(path).parent) not in out)
