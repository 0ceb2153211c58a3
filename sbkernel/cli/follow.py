"""Follow a job: a live line for each phase in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import click

from sbkernel.errors import JobCancelledError
from sbkernel.jobs.events import Event
from sbkernel.jobs.job import Job
from sbkernel.units import plain

if TYPE_CHECKING:  # importing rich takes 50 ms, and only a terminal needs it
    from rich.progress import Progress, TaskID


watcher: ContextVar[Callable[[Job, bool], None] | None] = ContextVar("watcher", default=None)
"""Who shows a job and waits until it is done, in place of a terminal: a notebook. It gets `cancel` as well."""


def follow(job: Job, *, cancel: bool = True, log: bool = False) -> dict[str, Any]:
    """Show the progress of a job on stderr until it is done, and return its result.

    Ctrl-C cancels the job; if `cancel` is false, it only stops watching. The exit status is 130 in both cases. The
    `log` is printed at the end, however that comes.
    Raises JobError if the job failed and JobCancelledError if somebody else cancelled it.
    """
    if watch := watcher.get():
        watch(job, cancel)
        return job.wait().result
    try:
        if sys.stderr.isatty():
            _live(job)
        else:
            _plain(job)
        return job.wait().result
    except KeyboardInterrupt:
        _interrupted(job, cancel)
        raise click.exceptions.Exit(130) from None
    finally:
        if log:
            click.echo(job.log_path.read_text(errors="replace"), err=True, nl=False)


def _interrupted(job: Job, cancel: bool) -> None:
    if not cancel:
        click.echo(f"{job.verb} goes on as job {job.id}; `sb jobs cancel {job.id}` cancels it.", err=True)
        return
    click.echo(f"Cancelling {job.verb} ...", err=True)
    job.stop()
    try:
        job.wait()
        click.echo(f"{job.verb} had already succeeded.", err=True)
    except JobCancelledError:
        click.echo(f"{job.verb} cancelled after {job.seconds:.1f} s.", err=True)


def _plain(job: Job) -> None:
    for events in job.follow():
        for event in events:
            if event.kind == "phase-end":
                mark = "" if event.data["ok"] else "  (not finished)"
                click.echo(f"{phase_line(event.data['title'], event.data['seconds'])}{mark}", err=True)


def phase_line(title: str, seconds: float) -> str:
    """Return what is said of a phase that has ended."""
    return f"  {plain(title):<32} {seconds:7.1f} s"


def _live(job: Job) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description:<32}"), BarColumn(bar_width=24))
    with Progress(
        *columns, TimeElapsedColumn(), TextColumn("{task.fields[text]}"), console=Console(stderr=True), transient=False
    ) as progress:
        tasks: dict[str, TaskID] = {}
        for events in job.follow():
            for event in events:
                _show(progress, tasks, event)
            _show_progress(progress, tasks, job)


def _show(progress: Progress, tasks: dict[str, TaskID], event: Event) -> None:
    if event.kind == "phase-start":
        tasks[event.data["title"]] = progress.add_task(event.data["title"], total=event.data["total"], text="")
    elif event.kind == "phase-end" and event.data["ok"]:
        task = tasks[event.data["title"]]
        progress.update(task, total=1, completed=1, text=f"{event.data['seconds']:.1f} s")
        progress.stop_task(task)


def _show_progress(progress: Progress, tasks: dict[str, TaskID], job: Job) -> None:
    now = job.progress
    if now.phase in tasks and now.total:
        progress.update(tasks[now.phase], total=now.total, completed=now.done, text=now.text)
    elif now.phase in tasks:
        progress.update(tasks[now.phase], text=now.text or (str(now.done) if now.done else ""))
