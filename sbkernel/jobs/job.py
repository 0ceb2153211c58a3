"""Long work as a process of its own that outlives the kernel, the terminal and the page that started it.

A job is a directory: spec.json (what), events.jsonl (how it goes), log.txt (detail), lock (held by the worker while
it lives), pid, cancel (who asked for it). Its state is read from there and nowhere else, so any number of kernels
can watch it. A worker that died without a final event was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

from sbkernel.errors import JobCancelledError, JobError, NotFoundError
from sbkernel.files import is_held, take
from sbkernel.jobs import directory as directories
from sbkernel.jobs.events import FINAL_STATES, Event, Progress, Summary, parse
from sbkernel.jobs.processes import kill_session
from sbkernel.site import Site

GRACE_S = 10.0
POLL_S = 0.1


class Job:
    """One job of a site, followed through its directory."""

    def __init__(self, directory: Path) -> None:
        self.dir = directory
        self.id = directory.name
        self.spec: dict[str, Any] = json.loads((directory / "spec.json").read_text())
        self.verb: str = self.spec["verb"]
        self.log_path = directory / "log.txt"
        self._events: list[Event] = []
        self._offset = 0
        self._summary = Summary()

    def __repr__(self) -> str:
        return f"<Job {self.id}: {self.state}>"

    @property
    def state(self) -> str:
        """Return pending, running, succeeded, failed or cancelled."""
        return self._refresh().state

    @property
    def done(self) -> bool:
        """Tell whether the job has ended, well or not."""
        return self.state in FINAL_STATES

    @property
    def result(self) -> dict[str, Any]:
        """Return what the target reported and returned so far."""
        return self._refresh().result

    @property
    def error(self) -> str | None:
        """Return why the job failed, or None."""
        return self._refresh().error

    @property
    def progress(self) -> Progress:
        """Return where the job stands."""
        return self._refresh().progress

    @property
    def created(self) -> float:
        """Return when the job was asked for, in seconds since the epoch."""
        return float(self.spec["created"])

    @property
    def seconds(self) -> float:
        """Return how long the job ran, or has been running."""
        summary = self._refresh()
        ended = summary.ended if summary.state in FINAL_STATES else time.time()
        return (ended or self.created) - self.created

    def events(self, start: int = 0) -> list[Event]:
        """Return the events from number `start` on; costs no more than the new ones."""
        self._refresh()
        return self._events[start:]

    def tail(self, lines: int = 20) -> list[str]:
        """Return the last lines of the log."""
        return directories.tail(self.log_path, lines)

    def cancel(self) -> None:
        """Ask the job to stop, and return at once; a job that is done is left alone.

        The worker raises JobCancelledError inside the target, which cleans up; after 10 s everything that is
        left of the job is killed.
        """
        if not self.done:
            directories.write_json(self.dir / "cancel", {"by": getpass.getuser(), "t": time.time()})
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the worker and everything in its session, without cleaning up."""
        if pid := self._signal(signal.SIGKILL):
            kill_session(pid)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Cancel, wait until the job is done, and kill what is left after `grace_s` seconds."""
        self.cancel()
        deadline = time.monotonic() + grace_s
        while not self.done and time.monotonic() < deadline:
            time.sleep(POLL_S / 2)
        if not self.done:
            self.kill()

    def wait(self, timeout_s: float | None = None) -> Self:
        """Block until the job is done; in a notebook cell use `await job`, which leaves the Cancel button working.

        Raises JobError or JobCancelledError if it did not succeed, TimeoutError after `timeout_s` seconds (the job
        goes on). An interrupt cancels the job.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            while not self.done:
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"job {self.id} is still {self.state} after {timeout_s:g} s")
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            self.stop()
            raise
        return self._raise_unless_succeeded()

    def __await__(self) -> Generator[Any, None, Self]:
        return self._wait().__await__()

    async def _wait(self) -> Self:
        try:
            while not self.done:
                await asyncio.sleep(POLL_S)
        except (asyncio.CancelledError, KeyboardInterrupt):
            # The stop button and papermill's interrupt arrive here.
            self.stop()
            raise
        return self._raise_unless_succeeded()

    def _raise_unless_succeeded(self) -> Self:
        summary = self._refresh()
        if summary.state == "cancelled":
            raise JobCancelledError(f"{self.verb} was cancelled", hint=f"its log: {self.log_path}")
        if summary.state != "succeeded":
            raise JobError(f"{self.verb}: {summary.error}", hint=summary.hint or f"its log: {self.log_path}")
        return self

    def _refresh(self) -> Summary:
        if self._summary.state in FINAL_STATES:
            return self._summary
        # Asked before reading: a worker that writes its last event and exits in between is then still seen alive.
        alive = is_held(self.dir / "lock")
        self._read_new()
        if not alive and self._summary.state not in FINAL_STATES:
            self._summary.ended = self._events[-1].t if self._events else self.created
            self._summary.state, self._summary.error = self._how_it_died()
        return self._summary

    def _read_new(self) -> None:
        with contextlib.suppress(FileNotFoundError), (self.dir / "events.jsonl").open("rb") as stream:
            stream.seek(self._offset)
            events, used = parse(stream.read())
            self._offset += used
            self._events += events
            for event in events:
                self._summary.apply(event)

    def _how_it_died(self) -> tuple[str, str]:
        if (self.dir / "cancel").exists():
            return "cancelled", "cancelled"
        last = "".join(self.tail(1))
        return "failed", "killed: its process ended without a word" + (
            f"; last line of its log: {last}" if last else ""
        )

    def _signal(self, number: signal.Signals) -> int | None:
        """Signal the worker if it lives; return its PID.

        The PID is opened before the lock is looked at: if the lock is still held then, the PID was the worker's.
        """
        try:
            pid = int(json.loads((self.dir / "pid").read_text())["pid"])
            descriptor = os.pidfd_open(pid)
        except (FileNotFoundError, ProcessLookupError):
            return None
        try:
            if not is_held(self.dir / "lock"):
                return None
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
            return pid
        finally:
            os.close(descriptor)


def start(site: Site, verb: str, target: str, /, **kwargs: Any) -> Job:
    """Start `target` ("module:function") as a job: target(site, report=..., **kwargs) in a session of its own.

    `kwargs` must survive JSON and must not hold secrets: they are kept in the job's directory. Finished jobs beyond
    the newest 100 are removed.
    """
    directories.prune(site.jobs)
    directory = directories.make(site.jobs, verb)
    lock = take(directory / "lock")
    try:
        directories.write_json(
            directory / "spec.json",
            {
                "id": directory.name,
                "verb": verb,
                "target": target,
                "kwargs": kwargs,
                "site": str(site.root),
                "created": time.time(),
                "by": getpass.getuser(),
            },
        )
        directories.start_worker(directory, lock)
    finally:
        os.close(lock)
    return Job(directory)


def attach(site: Site, job_id: str) -> Job:
    """Return the job with that id (or the only one that begins with it); raises NotFoundError."""
    found = [name for name in directories.ids(site.jobs) if name.startswith(job_id)]
    if job_id in found:
        found = [job_id]
    if len(found) != 1:
        how = f"{len(found)} jobs begin with {job_id!r}" if found else f"no job {job_id!r}"
        raise NotFoundError(how, hint="`sb jobs` lists them")
    return Job(site.jobs / found[0])


def listing(site: Site) -> list[Job]:
    """Return the jobs of the site, newest first."""
    jobs = []
    for name in directories.ids(site.jobs):
        with contextlib.suppress(FileNotFoundError):  # pruned by somebody else in between
            jobs.append(Job(site.jobs / name))
    return jobs
