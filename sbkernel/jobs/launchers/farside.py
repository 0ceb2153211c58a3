"""An order of another machine, carried out on this one: a job of a site here, which ends with whoever serves it.

The site is kept, for what orders leave in its cache. Nothing here knows how the other machine is reached.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sbkernel.jobs.directory import start_worker
from sbkernel.jobs.events import FINAL_STATES
from sbkernel.jobs.job import KILLED_S, Job, submit_to
from sbkernel.jobs.launchers import HERE, wire
from sbkernel.jobs.launchers.here import Here
from sbkernel.jobs.order import Order
from sbkernel.site import Site

Message = tuple[str, Mapping[str, Any]]
"""Kind and data of an event (events.py), or wire.LOG and the `line`."""


class _Tied(Here):
    """This machine, with workers that are killed when a pipe is closed."""

    def __init__(self, lifeline: int) -> None:
        self._lifeline = lifeline

    def _start(self, directory: Path, lock: int) -> None:
        start_worker(directory, lock, self._lifeline)


@contextlib.contextmanager
def carrying_out(site: Site, order: Order) -> Iterator[Job]:
    """Run an order as a job of a site for a block; after it, or when this process is killed, nothing of it runs.

    Its inputs are in inputs_of(site). Raises NotFoundError when one is missing.
    """
    read, write = os.pipe()
    try:
        job = submit_to(site, order, _Tied(read), HERE)
    except BaseException:
        os.close(write)
        raise
    finally:
        os.close(read)
    try:
        yield job
    finally:
        # Then the worker kills what it has started, and itself. Were we to kill it, and to be killed before we came to
        # what it has started, that would run on.
        os.close(write)
        if not job.ends_within(KILLED_S):
            job.kill()


def messages(job: Job) -> Iterator[Message]:
    """Yield what a job says until it has ended: its events in order, and the lines of its log.

    The last one is always a final state, with `error` and `hint` if it failed, also when its process was killed.
    """
    log = _Lines(job.log_path)
    for events in job.follow():
        yield from ((wire.LOG, {"line": line}) for line in log.new())
        for event in events:
            if not (event.kind == "state" and event.data["state"] in FINAL_STATES):
                yield event.kind, event.data
    yield from ((wire.LOG, {"line": line}) for line in log.new(final=True))
    last = job.events()[-1:] if job.error is not None else []
    hint = last[0].data.get("hint") if last and last[0].kind == "state" else None
    yield "state", {"state": job.state, "error": job.error, "hint": hint}


class _Lines:
    """The lines of a file that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self, *, final: bool = False) -> list[str]:
        """Return the lines that are new and whole; at the end also what has no end."""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as stream:
            stream.seek(self._offset)
            data = stream.read()
            used = len(data) if final else data.rfind(b"\n") + 1
            self._offset += used
            return data[:used].decode(errors="replace").splitlines()
        return []
