"""The benchmarks by name, and how they run: one after the other, even if one of them fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sbkernel.bench import (
    boot,
    build,
    builddnf,
    consoles,
    definitions,
    diff,
    nodeset,
    pack,
    power,
    rebuild,
    serve,
    service,
    startup,
)
from sbkernel.bench.row import BenchRow, failed_row
from sbkernel.bench.workspace import Workspace
from sbkernel.errors import SbkernelError


def _builds(work: Workspace) -> Iterator[BenchRow]:
    yield from build.rows(work)
    yield from builddnf.rows(work)


BENCHMARKS: dict[str, Callable[[Workspace], Iterator[BenchRow]]] = {
    "build": _builds,
    "build-dnf": builddnf.rows,
    "rebuild": rebuild.rows,
    "pack": pack.rows,
    "boot": boot.rows,
    "serve": serve.rows,
    "power": power.rows,
    "consoles": consoles.rows,
    "nodeset": nodeset.rows,
    "service": service.rows,
    "startup": startup.rows,
    "definitions": definitions.rows,
    "diff": diff.rows,
}
PARTS = {"build-dnf"}
"""Benchmarks that are part of another one, for those who want them alone."""


def measure(work: Workspace, names: Sequence[str] = ()) -> Iterator[BenchRow]:
    """Yield the rows of the named benchmarks, or of all. A benchmark that fails gives a row that says why."""
    for name in names or (name for name in BENCHMARKS if name not in PARTS):
        try:
            for row in BENCHMARKS[name](work):
                yield replace(row, notes=(*row.notes, _surroundings()))
        except SbkernelError as error:
            yield failed_row(name, "-", "-", str(error))


def _surroundings() -> str:
    """Return the load of the machine as text. Times mean little without it."""
    return f"{os.cpu_count()} processors, load average {os.getloadavg()[1]:.1f} over the last five minutes"
