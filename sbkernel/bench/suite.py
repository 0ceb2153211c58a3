"""The rows by name, and how a choice of them is run: one after the other, a failed one not ending the rest."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sbkernel.bench import boot, build, definitions, diff, pack, startup
from sbkernel.bench.row import Row, failed
from sbkernel.bench.workspace import Workspace
from sbkernel.errors import SbkernelError

ROWS: dict[str, Callable[[Workspace], Iterator[Row]]] = {
    "build": build.rows,
    "pack": pack.rows,
    "boot": boot.rows,
    "startup": startup.rows,
    "definitions": definitions.rows,
    "diff": diff.rows,
}


def measure(work: Workspace, names: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of the named benchmarks, all without names; one that fails gives a row that says why."""
    for name in names or ROWS:
        try:
            for row in ROWS[name](work):
                yield replace(row, notes=(*row.notes, _surroundings()))
        except SbkernelError as error:
            yield failed(name, "-", "-", str(error))


def _surroundings() -> str:
    """Say what else the machine had to do, without which times mean little."""
    return f"{os.cpu_count()} processors, load average {os.getloadavg()[1]:.1f} over the last five minutes"
