"""Orders at another place: a worker of this machine hands the order over and passes on what the far side says.

The worker is the usual one (worker.py), so locking, cancelling and killing are those of a job that runs here. Far
events become calls of its report, in their order; times are those of this machine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from sbkernel.errors import JobCancelledError, JobError
from sbkernel.jobs.blobs import Blobs, Readable
from sbkernel.jobs.events import FINAL_STATES
from sbkernel.jobs.launchers.here import Here
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import Report


class FailedThereError(JobError):
    """An order that failed at another place, whose log has been passed on already."""


class Keep(Protocol):
    """What takes an artefact that comes back."""

    def __call__(self, name: str, digest: str, size: int, stream: Readable) -> None:
        """Read `size` bytes of content from a stream; JobError unless they have the digest."""


class Relayed(Here, ABC):
    """A place other than this machine."""

    @contextmanager
    def held(self, arch: str, report: Report) -> Iterator[Relayed]:  # noqa: ARG002 - of one machine there is no choice
        """Yield the place for orders that belong together: of several machines one, of the architecture `arch`."""
        yield self

    @abstractmethod
    def carry_out(self, order: Order, inputs: Blobs, report: Report, keep: Keep) -> Mapping[str, Any]:
        """Have an order carried out there, and return its result when it has succeeded and its artefacts are kept.

        Runs in a worker, whose SIGTERM raises JobCancelledError in here: then the order is cancelled there, what it
        still says is passed on, and the error goes on. Nothing of the order runs there any longer when this returns,
        raises, or is killed, or soon after the connection is lost. Raises FailedThereError when the order failed,
        JobCancelledError when it was cancelled, JobError, naming the place, when that cannot be reached or is lost.
        """


class Relaying:
    """Make calls of a report out of the events of a far job; a block of it ends all phases that are still open."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open: list[tuple[str, AbstractContextManager[None]]] = []
        self.result: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._end(self._open[-1][0], ok=False)

    def log(self, line: str) -> None:
        """Pass on a line of the log."""
        self._report.log(line)

    def event(self, kind: str, data: Mapping[str, Any]) -> None:
        """Pass on an event; a final state raises unless it is succeeded, other states and artefacts are left alone."""
        match kind:
            case "phase-start":
                phase = self._report.phase(data["title"], data.get("total"))
                phase.__enter__()
                self._open.append((data["title"], phase))
            case "phase-end":
                self._end(data["title"], ok=bool(data["ok"]))
            case "progress":
                self._report.progress(data["done"], data.get("total"), data.get("text", ""))
            case "result":
                self.result.update(data["data"])
                self._report.result(**data["data"])
            case "state" if data["state"] in FINAL_STATES:
                self._state(str(data["state"]), data.get("error"), data.get("hint"))

    def _state(self, state: str, error: str | None, hint: str | None) -> None:
        if state == "cancelled":
            raise JobCancelledError("the job was cancelled")
        if state == "failed":
            raise FailedThereError(error or "failed", hint=hint)

    def _end(self, title: str, *, ok: bool) -> None:
        found = next((entry for entry in reversed(self._open) if entry[0] == title), None)
        if found is None:
            return
        self._open.remove(found)
        error = None if ok else FailedThereError(f"{title} failed")
        found[1].__exit__(type(error) if error else None, error, None)
