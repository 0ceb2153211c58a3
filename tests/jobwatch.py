"""Find the processes of a job, and wait until none is left."""

import json

from waiting import until

from sbkernel.jobs.job import Job
from sbkernel.jobs.processes import session_members


def worker_pid(job: Job) -> int:
    """Return the PID of a job's worker, which is also the number of its session."""
    until((job.dir / "pid").exists)
    return int(json.loads((job.dir / "pid").read_text())["pid"])


def until_gone(session: int) -> None:
    """Wait until no process of a session lives."""
    until(lambda: not list(session_members(session)))
