"""The directory of a job on disk: make it, start and signal its worker, read the end of its log, remove old ones."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sbkernel.files import is_held, write_whole
from sbkernel.jobs.command import module_environment
from sbkernel.jobs.spawn import detach

KEEP_FINISHED = 100
UNFINISHED_S = 3600
TAIL_BLOCK_BYTES = 8192
_ID = re.compile(r"\d{8}T\d{9}-[A-Za-z][A-Za-z0-9_-]*")
_REMOVED = re.compile(r"\.\d{8}T\d{9}-[A-Za-z0-9_.+:-]+\.old", re.ASCII)


def make_directory(jobs: Path, verb: str) -> Path:
    """Make a new job directory (0700), named so that names sort by time."""
    while True:
        directory = jobs / f"{_stamp(time.time())}-{verb}"
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700, parents=True)
            return directory


def _stamp(epoch_s: float) -> str:
    """Return how the name of a job begins that was made at a time: date and time in UTC, to the millisecond."""
    at = datetime.fromtimestamp(epoch_s, UTC)
    return f"{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03d}"


def ids(jobs: Path, since: float = 0.0) -> list[str]:
    """Return the names of the job directories, newest first; of those made since a time (epoch) if one is given."""
    earliest = _stamp(since)
    made = (name for name in _names(jobs) if _ID.fullmatch(name) and name >= earliest)
    return sorted((name for name in made if os.path.exists(jobs / name / "spec.json")), reverse=True)  # noqa: PTH110


def _names(jobs: Path) -> list[str]:
    try:
        return os.listdir(jobs)  # noqa: PTH208 - a Path for each name would cost more than the rest
    except FileNotFoundError:
        return []


def write_json(path: Path, data: Any) -> None:
    """Write a small file (0600) that appears whole or not at all."""
    write_whole(path, json.dumps(data), mode=0o600)


def start_worker(directory: Path, lock: int, lifeline: int | None = None) -> None:
    """Start the worker of a job in its own session; it keeps `lock` as long as it lives, and writes its PID.

    `lifeline` is the end of a pipe to read from: the worker is killed when the other end is closed.
    """
    descriptors = (lock,) if lifeline is None else (lock, lifeline)
    detach(
        [sys.executable, "-m", "sbkernel.jobs.worker", str(directory), *map(str, descriptors)],
        log=directory / "log.txt",
        env={**module_environment(), "PYTHONUNBUFFERED": "1"},
        cwd=directory,
        pass_fds=descriptors,
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
    """Remove finished jobs beyond the newest `keep` jobs; one that still runs stays, however old it is.

    A job directory without spec.json is left over from a start that was killed, unless it is new. What does not have
    the name of a job is not ours and stays.
    """
    whole = ids(jobs)
    known = set(whole)
    broken = [name for name in _names(jobs) if name not in known and _ID.fullmatch(name) and _is_old(jobs / name)]
    remove(jobs, [*whole[keep:], *broken])


def remove(jobs: Path, names: Iterable[str]) -> None:
    """Remove jobs, but none that runs, and what removals that were killed have left."""
    for name in names:
        with contextlib.suppress(OSError):  # another removal was faster, or it belongs to another user
            if not is_held(jobs / name / "lock"):
                (jobs / name).rename(jobs / f".{name}.old")  # at once, so that nobody reads half a job
    for name in filter(_REMOVED.fullmatch, _names(jobs)):
        shutil.rmtree(jobs / name, ignore_errors=True)


def _is_old(directory: Path) -> bool:
    with contextlib.suppress(OSError):
        return directory.is_dir() and directory.stat().st_mtime < time.time() - UNFINISHED_S
    return False
