"""sb jobs: list jobs, or cancel one."""

from __future__ import annotations

import time
from datetime import datetime

import click

from sbkernel.cli.answers import frame, give
from sbkernel.cli.common import pass_site
from sbkernel.jobs import job as jobs
from sbkernel.site import Site


@click.group("jobs", invoke_without_command=True, subcommand_metavar="[cancel JOB]")
@click.pass_context
def command(ctx: click.Context) -> None:
    """List jobs such as builds, newest first, or cancel one."""
    if ctx.invoked_subcommand is None:
        _list()


@pass_site
def _list(site: Site) -> None:
    if give(lambda: frame(map(_row, jobs.listing(site)), "job")):
        return
    rows = [("JOB", "VERB", "STATE", "STARTED", "SECONDS")]
    for job in jobs.listing(site):
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
        rows.append((job.id, job.verb, job.state, started, f"{job.seconds:.1f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(job: jobs.Job) -> dict[str, object]:
    started = datetime.fromtimestamp(job.created).astimezone().replace(microsecond=0)
    return {"job": job.id, "verb": job.verb, "state": job.state, "started": started, "seconds": round(job.seconds, 1)}


@command.command("cancel", short_help="Cancel a job.")
@click.argument("job_id", metavar="JOB")
@pass_site
def cancel(site: Site, job_id: str) -> None:
    """Cancel JOB and wait until it has cleaned up. After 10 s it is killed."""
    job = jobs.attach(site, job_id)
    if job.done:
        click.echo(f"{job.id} has already {job.state}" if job.state != "cancelled" else f"{job.id} was cancelled")
        return
    job.stop()
    click.echo(f"{job.id}: {job.state}")
