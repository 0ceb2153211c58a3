"""The row `startup`: a verb that only lists definitions, compared with an interpreter that does nothing."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from sbkernel.bench.clock import interleaved
from sbkernel.bench.definitions import COMPILED
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import COMPUTE_IMAGE, Workspace
from sbkernel.jobs.run import Completed, run

GOAL = Goal(5)
RUNS = 20


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Compare `sb lsdef` on a site with two images with `python -c pass` of the same interpreter."""
    work.say("startup: sb lsdef")
    lsdef = functools.partial(run, work.sb("lsdef", "-t", "osimage"), env=COMPILED)
    nothing = functools.partial(run, [sys.executable, "-c", "pass"], env=COMPILED)
    listed: Completed = lsdef()
    nothing()
    spells = interleaved(lsdef, nothing, work.runs_or(RUNS))
    check = Check(
        "lsdef lists the images",
        ok=COMPUTE_IMAGE in listed.stdout,
        found=", ".join(listed.stdout.replace("(osimage)", "").split()) or "nothing",
    )
    what = f"python -c pass, {Path(sys.executable).name} {sys.version.split()[0]}"
    yield BenchRow("startup", "sb lsdef -t osimage", what, spells.ours_s, spells.peer_s, (check,), GOAL)
