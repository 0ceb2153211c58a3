"""Orders on the workers of a Dask cluster (distributed), each of which is a build host for one order at a time.

A place is dask:SCHEDULER[?os=DISTRIBUTION]. Dask chooses the worker and keeps it; the rest goes between here and there
over a connection of its own (client.py, worker.py). Nothing in this file imports Dask.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sbkernel.errors import JobError, NotFoundError, ToolMissingError
from sbkernel.jobs.blobs import Blobs
from sbkernel.jobs.launchers.dask.needs import needed
from sbkernel.jobs.launchers.pipe import FIRST, Piped
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import Report
from sbkernel.jobs.spawn import PIPE, Process, end, spawn

_ADDRESS = re.compile(
    r"(?:(?:(tcp|tls)://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][\w.-]*)(?::(\d{1,5}))?)?(?:\?os=([A-Za-z0-9][\w.-]*))?",
    re.ASCII,
)
_PORT = "8786"
ON, HINT = "on the Dask worker ", "hint: "
"""How lines of client.py begin: the one that names the worker, and what may follow an error."""


def at(address: str) -> Dask:
    """Return the place of an address: by default the scheduler on this machine, at Dask's own port.

    Raises NotFoundError when it is none.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match[3] or _PORT) not in range(1, 65536):
        raise NotFoundError(
            f"dask:{address} names no Dask scheduler",
            hint="such as dask:, dask:head1, dask:tls://head1:8786, or dask:head1?os=debian12 for workers of a kind",
        )
    return Dask(f"{match[1] or 'tcp'}://{match[2] or '127.0.0.1'}:{match[3] or _PORT}", match[4] or "")


class _Workers(Piped):
    """What a cluster and one worker of it have in common."""

    def __init__(self, scheduler: str) -> None:
        self.scheduler = scheduler

    def __str__(self) -> str:
        """Return what it is called in messages."""
        return f"dask:{self.scheduler}"

    def unreached(self, said: Sequence[str], status: int) -> JobError:
        """Return what the client said."""
        lines = [*said] or [f"the Dask client ended with status {status}"]
        hint = lines.pop().removeprefix(HINT) if len(lines) > 1 and lines[-1].startswith(HINT) else None
        return JobError(lines[-1], hint=hint)

    def _client(self, what: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "sbkernel.jobs.launchers.dask.client", what, self.scheduler, *words]


class Dask(_Workers):
    """The workers of a scheduler; those of a distribution if one is given."""

    def __init__(self, scheduler: str, distribution: str = "") -> None:
        super().__init__(scheduler)
        self.distribution = distribution

    def start(self, order: Order, inputs: Blobs, directory: Path, lock: int) -> None:
        """Start as Here does; ToolMissingError when Dask is not installed on this machine."""
        check_installed()
        super().start(order, inputs, directory, lock)

    def argv(self) -> list[str]:
        """Return the client that takes a place and runs Python there."""
        return self._client("run", ",".join(needed("", self.distribution)), "-Ic", FIRST)

    @contextmanager
    def held(self, arch: str, report: Report) -> Iterator[Worker]:
        """Take a place on a worker of an architecture for a block."""
        check_installed()
        argv = self._client("hold", ",".join(needed(arch, self.distribution)))
        process = spawn(argv, stdin=PIPE, stderr=PIPE)
        try:
            with report.phase("wait for a Dask worker"):
                worker, token = self._place(process, report)
            yield Worker(self.scheduler, worker, token)
        finally:
            end(process)

    def _place(self, process: Process, report: Report) -> list[str]:
        said = []
        for line in process.stderr or ():
            text = line.decode(errors="replace").strip()
            if text.startswith(ON):
                return text.removeprefix(ON).split()
            said.append(text)
            report.log(f"{self}: {text}")
        raise self.unreached(said, process.wait())


class Worker(_Workers):
    """A worker whose place is held."""

    def __init__(self, scheduler: str, worker: str, token: str) -> None:
        super().__init__(scheduler)
        self.worker = worker
        self._token = token

    def argv(self) -> list[str]:
        """Return the client that runs Python there."""
        return self._client("call", self.worker, self._token, "-Ic", FIRST)


def check_installed() -> None:
    """Raise ToolMissingError when Dask is not installed on this machine."""
    if importlib.util.find_spec("distributed") is None:
        raise ToolMissingError("Dask is not installed", hint="pip install 'sbkernel[dask]'")
