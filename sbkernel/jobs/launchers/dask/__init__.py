"""Orders on the workers of a Dask cluster (distributed), each of which is a build host for one order at a time.

A place is dask:SCHEDULER[?os=DISTRIBUTION]. Dask chooses the worker and keeps it; the rest goes between here and there
over a connection of its own (client.py, worker.py). Nothing in this file imports Dask.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from sbkernel.errors import JobError, NotFoundError, ToolMissingError
from sbkernel.jobs.blobs import Blobs
from sbkernel.jobs.launchers.dask.needs import needed
from sbkernel.jobs.launchers.pipe import FIRST, Piped
from sbkernel.jobs.order import Order

_ADDRESS = re.compile(
    r"(?:(?:(tcp|tls)://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][\w.-]*)(?::(\d{1,5}))?)?(?:\?os=([A-Za-z0-9][\w.-]*))?",
    re.ASCII,
)
_PORT = "8786"
HINT = "hint: "
"""How the line after an error of client.py begins, if there is one."""


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


class Dask(Piped):
    """The workers of a scheduler; those of a distribution if one is given."""

    def __init__(self, scheduler: str, distribution: str = "") -> None:
        self.scheduler = scheduler
        self.distribution = distribution

    def __str__(self) -> str:
        """Return what it is called in messages."""
        return f"dask:{self.scheduler}"

    def start(self, order: Order, inputs: Blobs, directory: Path, lock: int) -> None:
        """Start as Here does; ToolMissingError when Dask is not installed on this machine."""
        if importlib.util.find_spec("distributed") is None:
            raise ToolMissingError("Dask is not installed", hint="pip install 'sbkernel[dask]'")
        super().start(order, inputs, directory, lock)

    def argv(self, order: Order) -> list[str]:
        """Return the call of the client that runs Python on the worker that Dask chooses."""
        needs = ",".join(needed(order, self.distribution))
        return [sys.executable, "-m", "sbkernel.jobs.launchers.dask.client", self.scheduler, needs, "-Ic", FIRST]

    def unreached(self, said: Sequence[str], status: int) -> JobError:
        """Return what the client said."""
        lines = [*said] or [f"the Dask client ended with status {status}"]
        hint = lines.pop().removeprefix(HINT) if len(lines) > 1 and lines[-1].startswith(HINT) else None
        return JobError(lines[-1], hint=hint)
