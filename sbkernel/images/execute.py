"""The one executor: it runs the steps of any plan whose outcomes are not there yet, and leaves nothing half done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sbkernel.errors import SbkernelError
from sbkernel.images import space
from sbkernel.images.plan import Facts, Plan, Step
from sbkernel.jobs.report import Report


class Shelf(Protocol):
    """Where the outcomes of one plan's steps are kept: what is there, where it lies, where the next one grows."""

    def has(self, step: Step) -> bool:
        """Tell whether the outcome of a step is there, whole; from then on it stays until the shelf is closed."""

    def make(self, step: Step, run: Callable[[Path], Facts | None], *, anew: bool) -> None:
        """Have `run` make the outcome of a step at the path that it is handed, and note that it is whole.

        Unless `anew`, one that somebody else has made meanwhile will do.
        """

    def path(self, outcome: str) -> Path:
        """Return where an outcome lies."""

    def facts(self, outcome: str) -> Facts:
        """Return what was recorded with an outcome."""

    def disk(self, step: Step) -> Path:
        """Return a directory on the disk that a step writes to."""

    def complete(self, step: Step) -> None:
        """Wait for what is noted of the outcome of a step while others run."""


@dataclass(frozen=True)
class _Work:
    """What the program of one step is handed."""

    target: Path
    report: Report
    shelf: Shelf

    def path(self, outcome: str) -> Path:
        return self.shelf.path(outcome)

    def facts(self, outcome: str) -> Facts:
        return self.shelf.facts(outcome)


def execute(plan: Plan, shelf: Shelf, report: Report, *, force: bool = False) -> list[str]:
    """Run what is pending of a plan, all of it with `force`; return the names of the steps that ran.

    Each step is a phase of the report; one beside others begins as soon as it can. Whatever a step raises ends the
    execution; the outcomes of the steps before it stay on the shelf.
    """
    pending = plan.steps if force else plan.pending(shelf.has)
    waiting = {step.name for step in pending}
    beside: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(1) as thread:
        for step in pending:
            for name in beside.keys() & {*step.on}:
                beside[name].result()
                waiting.discard(name)
            for one in pending:
                if one.beside and one.name not in beside and not waiting.intersection(one.on):
                    beside[one.name] = thread.submit(_run, one, shelf, report, force)
            if not step.beside:
                _run(step, shelf, report, force)
                waiting.discard(step.name)
        for future in beside.values():
            future.result()
    for step in plan:
        with _explained(step, shelf):
            shelf.complete(step)
    return [step.name for step in pending]


def _run(step: Step, shelf: Shelf, report: Report, anew: bool) -> None:
    with report.phase(step.title, step.total), _explained(step, shelf):
        shelf.make(step, lambda target: step.run(_Work(target, report, shelf)), anew=anew)


@contextmanager
def _explained(step: Step, shelf: Shelf) -> Iterator[None]:
    """Say of what a block raises for a step that the disk is full, if it is."""
    try:
        yield
    except (SbkernelError, OSError) as error:
        raise space.full(error, step.title, shelf.disk(step)) or error from error.__cause__
