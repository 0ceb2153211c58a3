"""Run orders on this machine: the worker writes to the job's directory itself."""

from __future__ import annotations

import signal
from pathlib import Path

from sbkernel.errors import NotFoundError
from sbkernel.jobs.blobs import Blobs, artefacts_of
from sbkernel.jobs.directory import signal_worker, start_worker
from sbkernel.jobs.order import Order
from sbkernel.jobs.processes import kill_session


class Here:
    """The machine on which we are."""

    def start(self, order: Order, inputs: Blobs, directory: Path, lock: int) -> None:
        """Start a worker in its own session; NotFoundError when an input is missing or damaged."""
        missing = set(inputs.missing(order.inputs.values()))
        if names := sorted(name for name, digest in order.inputs.items() if digest in missing):
            raise NotFoundError(
                f"{order.verb}: missing or damaged in {inputs.directory}: {', '.join(names)}",
                hint="put the inputs there again, then give the order again",
            )
        self._start(directory, lock)

    def _start(self, directory: Path, lock: int) -> None:
        start_worker(directory, lock)

    def cancel(self, directory: Path) -> None:
        """Raise JobCancelledError inside the target."""
        signal_worker(directory, signal.SIGTERM)

    def kill(self, directory: Path) -> None:
        """Kill the worker and everything in its session."""
        if pid := signal_worker(directory, signal.SIGKILL):
            kill_session(pid)

    def fetch(self, directory: Path, digest: str, into: Blobs) -> None:
        """Copy an artefact out of the job's directory, checking it on the way."""
        source = artefacts_of(directory).path(digest)
        with source.open("rb") as stream:
            into.receive(stream, digest)
