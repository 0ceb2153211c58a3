"""Find and end the processes of a session, from /proc (proc(5))."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return what tells this run of the machine from any other."""
    return _BOOT_ID.read_text().strip()


def stat_fields(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the command name, or None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return stat[stat.rindex(b")") + 2 :].decode().split()  # the name before that may be any bytes


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; with the PID it names a process for good."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields else None


def session_members(session: int) -> Iterator[int]:
    """Yield the PIDs of the living processes of a session."""
    return _living(3, session)


def group_members(group: int) -> Iterator[int]:
    """Yield the PIDs of the living processes of a process group."""
    return _living(2, group)


def children(parent: int) -> Iterator[int]:
    """Yield the PIDs of the living processes that a process has started and that have not been adopted."""
    return _living(1, parent)


def _living(field: int, value: int) -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            fields = stat_fields(int(entry.name))
            if fields and int(fields[field]) == value and fields[0] not in "ZX":
                yield int(entry.name)


def kill_session(session: int, *, spare: int | None = None, timeout_s: float = 2.0) -> None:
    """Send SIGKILL to every process of a session but `spare`, until none is left or `timeout_s` is over."""
    deadline = time.monotonic() + timeout_s
    while members := [pid for pid in session_members(session) if pid != spare]:
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
