"""A job as a card: what it does, how far it is, how it ended."""

from __future__ import annotations

from sbkernel.jobs.job import Job
from sbkernel.workbench.jobs import job_card
from sbkernel.workbench.panel import Shown


def job(value: Job) -> Shown:
    """Return a job as it is now, to be shown."""
    now = job_card.snapshot(value)
    return Shown(job_card.render(now), job_card.line(now), {"job": value.id})
