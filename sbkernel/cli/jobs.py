"""sb jobs: list jobs, or cancel one."""

from __future__ import annotations

import time

import click

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
    rows = [("JOB", "VERB", "STATE", "STARTED", "SECONDS")]
    for job in jobs.listing(site):
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
        rows.append((job.id, job.verb, job.state, started, f"{job.seconds:.1f}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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
