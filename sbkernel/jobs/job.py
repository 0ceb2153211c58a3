"""Long work as a process of its own that outlives the kernel, the terminal and the page that started it.

A job carries out an order at a place: here, unless told otherwise. It is a directory (reader.py says what is in it).
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

from sbkernel.errors import JobCancelledError, JobError, NotFoundError
from sbkernel.files import take, write_whole
from sbkernel.jobs import directory as directories
from sbkernel.jobs import origin
from sbkernel.jobs.blobs import Blobs, inputs_of
from sbkernel.jobs.launchers import HERE, Launcher, launcher_named
from sbkernel.jobs.order import Order
from sbkernel.jobs.reader import POLL_S, JobReader
from sbkernel.site import Site

GRACE_S = 10.0
KILLED_S = 10.0
"""How long a process that was killed may take to end: one that writes to a slow disk ends only after that."""


class Job(JobReader):
    """One job of a site, followed through its directory."""

    def __repr__(self) -> str:
        return f"<Job {self.id}: {self.state}>"

    def cancel(self) -> None:
        """Ask the job to stop, and return at once; a job that is done is left alone.

        The worker raises JobCancelledError inside the target, which cleans up; after 10 s everything that is
        left of the job is killed.
        """
        if not self.done:
            directories.write_json(self.dir / "cancel", {"by": getpass.getuser(), "t": time.time()})
            self._launcher.cancel(self.dir)

    def kill(self) -> None:
        """Kill the worker and everything in its session, without cleaning up, and wait until it has ended."""
        self._launcher.kill(self.dir)
        self.ends_within(KILLED_S)

    def ends_within(self, timeout_s: float) -> bool:
        """Wait until the job is done; tell whether it was after `timeout_s` seconds at the most."""
        deadline = time.monotonic() + timeout_s
        while not self.done and time.monotonic() < deadline:
            time.sleep(POLL_S / 2)
        return self.done

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Cancel, wait until the job is done, and kill what is left after `grace_s` seconds."""
        self.cancel()
        if not self.ends_within(grace_s):
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

    def fetch(self, artefact: str, into: Blobs) -> Path:
        """Bring an artefact here, wherever the job ran, and return its file in `into`, checked by its digest.

        Raises NotFoundError when the job made no such artefact, JobError when it is damaged.
        """
        digest = self.artefacts.get(artefact)
        if digest is None:
            made = ", ".join(sorted(self.artefacts)) or "none"
            raise NotFoundError(f"job {self.id} made no artefact {artefact!r}", hint=f"its artefacts: {made}")
        if into.missing([digest]):
            self._launcher.fetch(self.dir, digest, into)
        return into.path(digest)

    @property
    def _launcher(self) -> Launcher:
        return launcher_named(self.spec.get("launcher", HERE))

    def _raise_unless_succeeded(self) -> Self:
        summary = self._refresh()
        if summary.state == "cancelled":
            raise JobCancelledError(f"{self.verb} was cancelled", hint=f"its log: {self.log_path}")
        if summary.state != "succeeded":
            raise JobError(f"{self.verb}: {summary.error}", hint=summary.hint or f"its log: {self.log_path}")
        return self


def start(site: Site, verb: str, target: str, /, **arguments: Any) -> Job:
    """Start `target` ("module:function") as a job here: target(site, report=..., **arguments), in its own session.

    The argument `plan` is the digest of the plan that was shown, if one was; a target stops when its plan has another.
    Raises JobError when an argument is a secret or would not survive JSON.
    """
    plan = arguments.pop("plan", "")
    return submit(site, Order(verb, target, arguments, plan=plan))


def submit(site: Site, order: Order, *, on: str = HERE) -> Job:
    """Start an order as a job at the place `on`; the inputs that it names must be in inputs_of(site).

    The target is called with site, report, the order's arguments, `inputs` (a file for each name) when it names any,
    and `plan` when it has one. Finished jobs beyond the newest 100 are removed. Raises NotFoundError, before anything
    runs, when there is no such place or an input is missing.
    """
    return submit_to(site, order, launcher_named(on), on)


def submit_to(site: Site, order: Order, launcher: Launcher, name: str) -> Job:
    """Start an order by a launcher, as submit() does; `name` is that of a place where it can be cancelled."""
    directories.prune(site.jobs)
    directory = directories.make_directory(site.jobs, order.verb)
    lock = take(directory / "lock")
    try:
        write_whole(directory / "order.json", order.text, mode=0o600)
        directories.write_json(
            directory / "spec.json",
            {
                "id": directory.name,
                "verb": order.verb,
                "target": order.target,
                "kwargs": order.arguments,
                "site": str(site.root),
                "created": time.time(),
                "by": getpass.getuser(),
                "order": order.digest,
                "launcher": name,
                "record": dict(origin.current().record),
            },
        )
        launcher.start(order, inputs_of(site), directory, lock)
    except Exception:
        shutil.rmtree(directory, ignore_errors=True)  # nothing runs: a job that never began is none
        raise
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


def listing(site: Site, *, since: float = 0.0) -> list[Job]:
    """Return the jobs of the site that were started since a time (seconds since the epoch), newest first."""
    jobs = []
    for name in directories.ids(site.jobs, since):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # just pruned, or another user's
            jobs.append(Job(site.jobs / name))
    return jobs
