"""sb attach: show a job again."""

from __future__ import annotations

import json

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import NotFoundError
from sbkernel.jobs import job as jobs
from sbkernel.site import Site


@click.command("attach")
@click.argument("job_id", metavar="[JOB]", required=False)
@pass_site
def command(site: Site, job_id: str | None) -> None:
    """Show the progress of JOB, then its result.

    JOB is an id that `sb jobs` lists; the default is the newest job that still runs. Ctrl-C only stops watching: the
    job goes on.
    """
    job = jobs.attach(site, job_id) if job_id else _newest_running(site)
    click.echo(f"{job.id}: {job.state}")
    click.echo(json.dumps(follow(job, cancel=False), indent=1))


def _newest_running(site: Site) -> jobs.Job:
    running = next((job for job in jobs.listing(site) if not job.done), None)
    if running is None:
        raise NotFoundError("no job is running", hint="`sb jobs` lists the jobs that have ended")
    return running
