"""Show a job while it runs, with a Cancel button in a live session."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Any, Self

import ipywidgets
from IPython import get_ipython
from markupsafe import Markup

from sbkernel.jobs import job as jobs
from sbkernel.jobs.job import Job
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.jobs import job_card
from sbkernel.workbench.panel import Panel

_LIVE_S, _HEADLESS_S = 0.4, 1.0


class JobView(Panel):
    """The view of one job: `await show(job)` in a cell shows it, waits for it, and raises if it did not succeed.

    A thread reads the directory of the job, so the view also moves while the cell does something else. When the job has
    ended, the view becomes plain HTML before the cell ends: papermill keeps nothing that comes later.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._watched = Job(job.dir)  # a Job of its own, because threads cannot share one
        self._now = job_card.snapshot(self._watched)
        self._settling = threading.Lock()
        self._settled = False
        super().__init__()

    def __await__(self) -> Generator[Any, None, Job]:
        try:
            return (yield from self.job.__await__())
        finally:
            self.settle()

    def html(self) -> Markup:
        """Return the card of the job."""
        return job_card.render(self._now)

    def text(self) -> str:
        """Return the job in one line."""
        return job_card.line(self._now)

    def calls(self) -> Sequence[Call]:
        """Return how the job is shown again without this panel."""
        return [call("show again", jobs.attach, self.job.id, sb=["attach", self.job.id])]

    def about(self) -> dict[str, Any]:
        """Return the job, how long it and its phases took, and the image and digest that it made."""
        entry: dict[str, Any] = {"job": self.job.id, "verb": self._now.verb, "state": self._now.state}
        if self._now.done:
            phases = [[title, took] for title, took in self._now.progress.phases if took is not None]
            timing = {"verb": self._now.verb, "image": self._now.target, "seconds": self._now.seconds, "phases": phases}
            entry["timing"] = timing
        digest = self._watched.result.get("digest")
        return {**entry, "image": self._now.target, "digest": digest} if digest else entry

    def widget(self) -> Any:
        """Return the card with a Cancel button below it."""
        self._card = ipywidgets.HTML(value=str(self.html()))
        self._button = ipywidgets.Button(description="Cancel", icon="stop", tooltip="Stop this job and clean up")
        self._button.on_click(lambda _: self._cancel())
        return ipywidgets.VBox([self._card, self._button])

    def show(self) -> Self:
        """Display the job and follow it until it has ended."""
        super().show()
        shell = get_ipython()
        if shell is not None:
            shell.events.register("post_run_cell", self._cell_ended)
        threading.Thread(target=self._follow, name=f"view-{self.job.id}", daemon=True).start()
        return self

    def settle(self) -> None:
        """Show the end of the job as HTML. Do nothing while it runs, or if that is done."""
        with self._settling:
            if self._settled or not self.job.done:
                return
            self._settled = True
            self._look(Job(self.job.dir))
            super().settle()

    def _cell_ended(self, _result: Any) -> None:
        if self.job.done:
            self.settle()
            shell = get_ipython()
            shell.events.unregister("post_run_cell", self._cell_ended)

    def _cancel(self) -> None:
        self._button.disabled = True
        self._button.description = "Cancelling …"
        self.job.cancel()

    def _follow(self) -> None:
        wake = threading.Event()
        while not self._settled and not self._watched.done:
            self._look(self._watched)
            self.refresh()
            wake.wait(_HEADLESS_S if self._widget is None else _LIVE_S)
        self._settle_watched()

    def _settle_watched(self) -> None:
        """Settle from the thread, if the cell ended before the job."""
        with self._settling:
            if not self._settled:
                self._settled = True
                self._look(self._watched)
                super().settle()

    def _look(self, job: Job) -> None:
        self._now = job_card.snapshot(job)
        if self._widget is not None:
            self._card.value = str(self.html())
            self.say(job_card.doing(self._now))
            self._button.disabled = self._now.done or self._button.disabled
            self._button.layout.display = "none" if self._now.done else ""


def show(job: Job) -> JobView:
    """Show a job in this cell; `await show(job)` also waits for it."""
    return JobView(job).show()
