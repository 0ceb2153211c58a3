"""How the last run of a schedule went: log/schedules/NAME.json, and NAME.log with what was said.

A run holds a lock as long as it lives, so that one that was killed is never taken for one that runs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sbkernel.files import is_held, made, write_whole
from sbkernel.records.schedules.definition import check_name
from sbkernel.site import Site

KILLED = "killed"
WITHOUT_A_WORD = "it ended without a word: kill -9, or the host went off"
_KEEP_BYTES = 1 << 20


@dataclass(frozen=True)
class Last:
    """One run. Its status is that of its record, or `killed`; times are seconds since the epoch."""

    run: str
    started: float
    ended: float | None = None
    status: str = "running"
    why: str = ""
    record: str = ""
    """Below the records of the site; empty if the notebook did not begin."""
    untold: str = ""
    """Which notice could not be delivered, and why."""

    @property
    def ok(self) -> bool:
        """Tell whether every cell ran and whoever is to know it was told."""
        return self.status == "ok" and not self.untold


def lock_file(site: Site, name: str) -> Path:
    """Return the lock that a run holds."""
    return site.run / f"schedule-{check_name(name)}.lock"


def is_running(site: Site, name: str) -> bool:
    """Tell whether a run of the schedule lives."""
    return is_held(lock_file(site, name))


def read(site: Site, name: str) -> Last | None:
    """Return how the last run went; None if there was none."""
    running = is_running(site, name)  # before its file is read: a run that ends meanwhile has written how
    found = stored(site, name)
    if found is None or found.status != "running" or running or is_running(site, name):
        return found
    return Last(**{**vars(found), "status": KILLED, "why": WITHOUT_A_WORD})


def stored(site: Site, name: str) -> Last | None:
    """Return what was written of the last run; nothing of a file that cannot be read."""
    try:
        found = json.loads(_file(site, name).read_bytes())
        return Last(**found) if isinstance(found, Mapping) else None
    except (OSError, ValueError, TypeError):
        return None


def write(site: Site, name: str, last: Last) -> None:
    """Keep how a run goes."""
    made(_directory(site))
    write_whole(_file(site, name), json.dumps(vars(last), indent=1) + "\n", mode=0o600, durable=True)


def refused(site: Site, name: str) -> float | None:
    """Return when a start was last refused because a run still lived."""
    try:
        return _refusal(site, name).stat().st_mtime
    except FileNotFoundError:
        return None


def note_refusal(site: Site, name: str) -> None:
    """Keep that a start was refused."""
    made(_directory(site))
    write_whole(_refusal(site, name), f"pid {os.getpid()}\n", mode=0o600)


def log_file(site: Site, name: str) -> Path:
    """Return the log of a schedule, which is also what its runs print."""
    return made(_directory(site)) / f"{check_name(name)}.log"


def log_size(site: Site, name: str) -> int:
    """Return how long the log is, in bytes; 0 if there is none."""
    path = _directory(site) / f"{check_name(name)}.log"
    return path.stat().st_size if path.exists() else 0


def say(site: Site, name: str, text: str) -> None:
    """Add lines to the log of a schedule, each with its time."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    lines = "".join(f"{stamp} {line}\n" for line in text.splitlines())
    descriptor = os.open(log_file(site, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as log:
        log.write(lines)


def shorten_log(site: Site, name: str) -> None:
    """Keep the last half of a log that has grown large; only while no run writes to it."""
    path = log_file(site, name)
    data = path.read_bytes() if path.exists() and path.stat().st_size > _KEEP_BYTES else b""
    if data:
        write_whole(path, data[-_KEEP_BYTES // 2 :].partition(b"\n")[2], mode=0o600)


def forget(site: Site, name: str) -> None:
    """Remove what is known of the runs of a schedule; its records stay."""
    for path in (_file(site, name), _refusal(site, name), log_file(site, name)):
        path.unlink(missing_ok=True)


def _directory(site: Site) -> Path:
    return site.log / "schedules"


def _file(site: Site, name: str) -> Path:
    return _directory(site) / f"{check_name(name)}.json"


def _refusal(site: Site, name: str) -> Path:
    return _directory(site) / f"{check_name(name)}.refused"
