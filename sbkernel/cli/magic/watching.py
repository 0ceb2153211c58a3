"""Show the jobs that a verb follows as cards, and wait: with an await, which lets buttons work, or without."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from IPython import get_ipython

from sbkernel.cli.follow import watcher
from sbkernel.errors import JobError
from sbkernel.jobs.job import Job

T = TypeVar("T")
_LOOK_S = 0.05


def blocking(work: Callable[[], T]) -> T:
    """Do the work here. The stop button cancels the job that it follows; the button on the card works too late."""
    if not _has_cards():
        return work()
    from sbkernel.workbench.jobs.job_view import JobView

    def watch(job: Job, cancel: bool) -> None:
        view = JobView(job).show()
        try:
            while not job.done:
                time.sleep(_LOOK_S)
        except KeyboardInterrupt:
            if cancel:
                job.stop()
            raise
        finally:
            view.settle()

    with _watched_by(watch):
        return work()


async def awaited(work: Callable[[], T]) -> T:
    """Do the work in a thread and await it; its jobs are shown here. Who stops waiting cancels the jobs."""
    if not _has_cards():
        return work()
    from sbkernel.workbench.jobs.job_view import JobView

    begun: queue.SimpleQueue[Job] = queue.SimpleQueue()
    stopped = threading.Event()

    def watch(job: Job, cancel: bool) -> None:
        begun.put(Job(job.dir))  # a Job of its own, because threads cannot share one
        while not job.done and not stopped.wait(_LOOK_S):
            continue
        if stopped.is_set() and cancel:
            job.stop()
        elif stopped.is_set():
            raise JobError(f"nobody waits for {job.id} any more")

    def watched() -> T:
        with _watched_by(watch):
            return work()

    views: list[JobView] = []
    doing = asyncio.ensure_future(asyncio.to_thread(watched))
    try:
        while not doing.done():
            await asyncio.wait([doing], timeout=_LOOK_S)
            views += [JobView(begun.get()).show() for _ in range(begun.qsize())]
        return await doing
    except (asyncio.CancelledError, KeyboardInterrupt):
        stopped.set()
        await asyncio.wait([doing])
        doing.exception()  # it is the interrupt that is raised
        raise
    finally:
        for view in views:
            view.settle()


def _has_cards() -> bool:
    """Tell whether a card can be drawn again: in a kernel. IPython in a terminal gets lines, as on the command line."""
    return hasattr(get_ipython(), "kernel")


@contextmanager
def _watched_by(watch: Callable[[Job, bool], None]) -> Iterator[None]:
    token = watcher.set(watch)
    try:
        yield
    finally:
        watcher.reset(token)
