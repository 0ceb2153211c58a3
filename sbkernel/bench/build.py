"""The rows `build`: genimage from nothing, compared with mmdebstrap, whose packages build the initrd; and once more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from sbkernel.bench import buildagain
from sbkernel.bench.clock import Phases, Spells, Spent, timed
from sbkernel.bench.peers import mmdebstrap
from sbkernel.bench.peers.mmdebstrap import DRACUT, INITRAMFS_TOOLS, Peer
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.samework import Installed, installed_packages, same_packages
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.errors import BuildError
from sbkernel.images.families.debian import sources as apt_sources
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.spec import ImageSpec, read_spec
from sbkernel.images.tree.namespaces import remove_tree

GOAL = Goal(0.4, "at most 0.4 of its time")
OURS = "genimage with nothing cached: resolve, download, install, configure, kernel, initrd"
PEERS = {INITRAMFS_TOOLS: GOAL, DRACUT: None}

# Our tree has merged /usr from the start; a plain build installs the program that converts the tree.
APART = (
    "usrmerge", "usr-is-merged",
    "initramfs-tools", "initramfs-tools-core", "dracut", "dracut-core", "dracut-network",
)  # fmt: skip


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Compare a cold build with each way in which the distribution makes its initrd."""
    spec = read_spec(work.site, COMPUTE_IMAGE)
    ours: list[Spent] = []
    phases = Phases()
    peers: dict[Peer, list[Spent]] = {peer: [] for peer in PEERS}
    checks: dict[Peer, tuple[Check, ...]] = {}
    for number in range(1, work.runs_or(1) + 1):
        work.say(f"build: genimage, run {number}")
        phases.clear()
        work.forget()
        ours.append(timed(lambda: work.build_cold(phases)))
        for peer in PEERS:
            work.say(f"{peer.name}: mmdebstrap, run {number}")
            peers[peer].append(_peer(work, spec, peer))
            checks[peer] = same_work(spec.packages, work.built(), work.root / peer.name / "tree")
            remove_tree(work.root / peer.name)
    for peer, goal in PEERS.items():
        spells = Spells(tuple(ours), tuple(peers[peer]))
        notes = (spells.note, phases.note)
        yield BenchRow(peer.name, OURS, peer.what, spells.ours_s, spells.peer_s, checks[peer], goal, notes=notes)
    work.say("build-unchanged: sb genimage and apt alone")
    yield buildagain.row(work, _manager(spec))


def _peer(work: Workspace, spec: ImageSpec, peer: Peer) -> Spent:
    place = work.fresh(peer.name)
    sources = place / "image.sources"
    manager = _manager(spec)
    sources.write_text(apt_sources.render(manager.sources.all))
    packages, codename = [*spec.packages, *peer.packages], manager.release.codename
    return timed(lambda: mmdebstrap.build(codename, packages, sources, place / "tree"))


def _manager(spec: ImageSpec) -> AptManager:
    if not isinstance(spec.manager, AptManager):
        raise BuildError("the peer is mmdebstrap, which builds images of Debian alone")
    return spec.manager


def same_work(asked: Collection[str], ours: RootimgDir, peer: Path) -> tuple[Check, ...]:
    """Check that both trees have the same packages, and that both sides have made a kernel and an initrd."""
    return (
        same_packages(asked, _installed(ours.tree), _installed(peer), APART),
        _bootable(ours, *mmdebstrap.boot_files(peer)),
    )


def _installed(tree: Path) -> dict[str, Installed]:
    return installed_packages((tree / "var/lib/dpkg/status").read_text(errors="replace"))


def _bootable(ours: RootimgDir, kernels: list[str], initrds: list[str]) -> Check:
    sizes = present((ours.kernel, ours.initrd))
    found = f"ours {', '.join(sizes) or 'none'}; the peer's {', '.join(kernels + initrds) or 'none'}"
    return Check("kernel and initrd", ok=len(sizes) == 2 and bool(kernels) and bool(initrds), found=found)


def present(files: Iterable[Path]) -> list[str]:
    """Return name and size of those files that are there, as text."""
    return [f"{path.name} {path.stat().st_size / 1e6:.1f} MB" for path in files if path.exists()]
