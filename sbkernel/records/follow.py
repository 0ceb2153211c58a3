"""Report what happens in a site while something else runs: phases of its jobs, stages of the boot of a node."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.netboot import bootlog
from sbkernel.site import Site

TICK_S = 0.5


class ProgressFollower:
    """Call `say` with a line for each phase and stage that ends during the `with` block."""

    def __init__(self, site: Site, node: str, say: Callable[[str], None]) -> None:
        self._site = site
        self._node = node
        self._say = say
        self._since = time.time()
        self._said: set[object] = set()
        self._jobs: dict[str, Job] = {}  # kept from tick to tick: each reads its new events only
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._tick()

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self._tick()

    def _tick(self) -> None:
        for job in reversed(jobs.listing(self._site, since=self._since - 1)):
            self._jobs.setdefault(job.id, job)
        for key, line in (*self._phases(), *self._idle(), *self._stages()):
            if key not in self._said:
                self._said.add(key)
                self._say(line)

    def _phases(self) -> Iterator[tuple[object, str]]:
        """Yield a line for each phase that has ended in jobs that started during the block."""
        for job in self._jobs.values():
            for number, (title, seconds) in enumerate(job.progress.phases):
                if seconds is not None:
                    yield (job.id, number), f"{seconds:6.1f} s  {job.verb}: {title}"

    def _idle(self) -> Iterator[tuple[object, str]]:
        """Yield a line for each job that found nothing to do."""
        for job in self._jobs.values():
            if job.state == "succeeded" and (job.result.get("built") == [] or job.result.get("cached") is True):
                yield (job.id, "idle"), f"{'':8}  {job.verb}: nothing to do, nothing has changed"

    def _stages(self) -> Iterator[tuple[object, str]]:
        """Yield a line for each stage of a boot that started during the block, in seconds since power-on."""
        events = bootlog.read(self._site, self._node)
        if events and events[0]["t"] >= self._since:
            for event in events:
                after = event["t"] - events[0]["t"]
                yield (event["t"], event["stage"]), f"{after:+6.1f} s  {self._node}: {event['stage']}"
