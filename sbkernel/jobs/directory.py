"""The directory of a job on disk: make it, start and signal its worker, read the end of its log, remove old ones."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sbkernel
from sbkernel.files import is_held, write_whole
from sbkernel.jobs.spawn import detach

KEEP_FINISHED = 100
UNFINISHED_S = 3600
TAIL_BLOCK_BYTES = 8192


def make_directory(jobs: Path, verb: str) -> Path:
    """Make a new job directory (0700), named so that names sort by time."""
    while True:
        now = datetime.now(UTC)
        directory = jobs / f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{verb}"
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700, parents=True)
            return directory


def ids(jobs: Path) -> list[str]:
    """Return the names of the job directories, newest first."""
    if not jobs.is_dir():
        return []
    return sorted(
        (entry.name for entry in os.scandir(jobs) if (jobs / entry.name / "spec.json").exists()), reverse=True
    )


def write_json(path: Path, data: Any) -> None:
    """Write a small file (0600) that appears whole or not at all."""
    write_whole(path, json.dumps(data), mode=0o600)


def start_worker(directory: Path, lock: int) -> None:
    """Start the worker of a job in its own session; it keeps `lock` as long as it lives, and writes its PID."""
    home = str(Path(sbkernel.__file__).resolve().parent.parent)
    search = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    detach(
        [sys.executable, "-m", "sbkernel.jobs.worker", str(directory), str(lock)],
        log=directory / "log.txt",
        env={"PYTHONPATH": search, "PYTHONUNBUFFERED": "1"},
        cwd=directory,
        pass_fds=(lock,),
    )


def signal_worker(directory: Path, number: signal.Signals) -> int | None:
    """Signal the worker of a job if it lives, and return its PID.

    The PID is opened before the lock is looked at: if the lock is still held then, the PID was the worker's.
    """
    try:
        pid = int(json.loads((directory / "pid").read_text())["pid"])
        descriptor = os.pidfd_open(pid)
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        if not is_held(directory / "lock"):
            return None
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, number)
        return pid
    finally:
        os.close(descriptor)


def last_lines(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file, reading no more of it than that takes."""
    data = b""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
        position = stream.seek(0, os.SEEK_END)
        while position and data.count(b"\n") <= lines:
            step = min(TAIL_BLOCK_BYTES, position)
            position = stream.seek(position - step)
            data = stream.read(step) + data
    return data.decode(errors="replace").splitlines()[-lines:] if lines else []


def prune(jobs: Path, keep: int = KEEP_FINISHED) -> None:
    """Remove finished jobs beyond the newest `keep` jobs; one that still runs stays however old it is.

    A directory without spec.json belongs to a start that was killed, unless it is new.
    """
    whole = ids(jobs)
    old = time.time() - UNFINISHED_S
    broken = [entry.name for entry in os.scandir(jobs) if entry.name not in whole and entry.stat().st_mtime < old]
    for name in [*whole[keep:], *broken]:
        if not is_held(jobs / name / "lock"):
            shutil.rmtree(jobs / name, ignore_errors=True)
