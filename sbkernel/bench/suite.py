"""The benchmarks by name, and how they run: one after the other, even if one of them fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

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
from sbkernel.bench.workspace import Workspace, workspace
from sbkernel.definitions.store.interface import SERVER_VARIABLE
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.jobs.report import Report
from sbkernel.site import Site


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


def bench(_site: Site, *, report: Report, rows: Sequence[str] = (), runs: int = 0) -> dict[str, Any]:
    """Run benchmarks as a job: its result has the rows as data. They work in a site of their own.

    Raises DefinitionError for a benchmark that does not exist.
    """
    if unknown := [name for name in rows if name not in BENCHMARKS]:
        raise DefinitionError(f"no benchmark {', '.join(unknown)}", hint=f"there are: {', '.join(BENCHMARKS)}")
    os.environ.pop(SERVER_VARIABLE, None)  # the process of a job is its own
    done: list[BenchRow] = []
    with workspace(report.log, runs=runs) as work:
        for name in rows or [name for name in BENCHMARKS if name not in PARTS]:
            with report.phase(name):
                done += measure(work, [name])
    return {"rows": [row.as_dict() for row in done]}


def _surroundings() -> str:
    """Return the load of the machine as text. Times mean little without it."""
    return f"{os.cpu_count()} processors, load average {os.getloadavg()[1]:.1f} over the last five minutes"
