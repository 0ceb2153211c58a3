"""The row `build-unchanged`: sb genimage after a comment of the package list has changed, compared with apt alone."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from sbkernel.bench.clock import interleaved
from sbkernel.bench.definitions import COMPILED
from sbkernel.bench.peers import apt
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.jobs.run import run
from sbkernel.lists.text import paths_of

GOAL = Goal(0.7, "at most 0.7 of what apt alone takes; on an idle machine at most 0.7 s")
OURS = "sb genimage after a comment of its pkglist has changed, whole process"
PEER = "apt-get update and apt-get install --print-uris of the same list, with nothing to update"
RUNS = 5


def row(work: Workspace, manager: AptManager) -> BenchRow:
    """Compare both sides; the image has its own list again afterwards."""
    own = work.site.osimages[COMPUTE_IMAGE].get("pkglist")
    try:
        return _row(work, manager, commented(work, own))
    finally:
        work.site.set("osimage", COMPUTE_IMAGE, pkglist=own)


def _row(work: Workspace, manager: AptManager, comments: Iterator[None]) -> BenchRow:
    built = work.built()
    next(comments)
    genimage = functools.partial(run, work.sb("genimage", COMPUTE_IMAGE), env=COMPILED)
    alone = Apt.open(work.root / "apt-alone", manager.sources.all, manager.release.architecture)
    ask = functools.partial(apt.ask, alone, manager.asked)
    genimage()
    packages, tree = ask(), _state(built)
    spells = interleaved(genimage, ask, work.runs_or(RUNS), before=functools.partial(next, comments))
    checks = (
        Check("nothing was built", ok=_state(built) == tree, found=f"tree and record of {built.path.name} untouched"),
        Check("packages", ok=packages == built.record()["packages"], found=f"{packages} by both"),
    )
    return BenchRow("build-unchanged", OURS, PEER, spells.ours_s, spells.peer_s, checks, GOAL, notes=(spells.note,))


def commented(work: Workspace, own: str) -> Iterator[None]:
    """Give the image a list that reads its own, and has another comment at each turn."""
    listed = work.root / "commented.pkglist"
    for number in itertools.count():
        listed.write_text("".join(f"#INCLUDE:{path}#\n" for path in paths_of(own)) + f"# changed {number} times\n")
        if not number:
            work.site.set("osimage", COMPUTE_IMAGE, pkglist=str(listed))
        yield


def _state(built: RootimgDir) -> tuple[int, int]:
    return built.tree.stat().st_ino, (built.path / "plan.json").stat().st_mtime_ns
