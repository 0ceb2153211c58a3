"""Wait for what a job does, and see what is left of it."""

import json
import time
from pathlib import Path

from sbkernel.jobs.job import Job
from sbkernel.jobs.processes import session_members


def wait_for(path: Path, timeout_s: float = 30) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def worker_pid(job: Job) -> int:
    """Return the PID of a job's worker, which is the number of its session, too."""
    wait_for(job.dir / "pid")
    return int(json.loads((job.dir / "pid").read_text())["pid"])


def gone(session: int, within_s: float = 5) -> bool:
    """Wait until no process of a session lives; tell whether that came about."""
    deadline = time.monotonic() + within_s
    while list(session_members(session)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not list(session_members(session))
