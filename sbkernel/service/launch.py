"""Start the service of a site when nobody answers, exactly once whoever asks, and end it again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from sbkernel.errors import ServiceError
from sbkernel.service.endpoint import Endpoint, connect, holder, take
from sbkernel.site import Site

_POLL_S, _START_POLL_S = 0.01, 0.002
"""Whoever starts the service waits for it, and nobody else; others may wait for long."""
_TAIL_LINES = 12


def log_path(site: Site) -> Path:
    """Return the log of the service itself."""
    return site.log / "service.log"


def answers(endpoint: Endpoint) -> bool:
    """Return whether the service greets; one that is just ending still listens, but does not."""
    try:
        with connect(endpoint.socket, timeout_s=5.0) as connection:
            return connection.recv(1) != b""
    except OSError:
        return False


def start(site: Site, endpoint: Endpoint, timeout_s: float) -> None:
    """Start the service in its own session and wait until it answers; one of many callers starts it.

    Raises ServiceError with the end of the service's log when it does not come up.
    """
    # Mostly the service runs, and what starts programs takes long to import.
    from sbkernel.jobs.command import module_environment
    from sbkernel.jobs.spawn import detach

    lock = take(endpoint.starting, patience_s=timeout_s)
    if lock is None:
        raise ServiceError(
            f"another process has been starting the service for {timeout_s:.0f} s", hint=f"see {log_path(site)}"
        )
    with lock:
        deadline = time.monotonic() + timeout_s
        if _runs_after_all(endpoint, deadline):
            return
        log = log_path(site)
        begin = log.stat().st_size if log.exists() else 0
        argv = [sys.executable, "-m", "sbkernel.service", "--site", str(site.root)]
        pid = detach(argv, log=log, env=module_environment())  # also that of its children
        _await_answer(endpoint, pid, deadline, log, begin)


def _runs_after_all(endpoint: Endpoint, deadline: float) -> bool:
    """Return whether the service answers by now; wait for one that is starting or ending."""
    while not answers(endpoint):
        pid = holder(endpoint.lock)
        if pid is None:
            return False
        if time.monotonic() > deadline:
            raise ServiceError(f"process {pid} of the service does not answer", hint="run: sb service restart")
        time.sleep(_POLL_S)
    return True


def _await_answer(endpoint: Endpoint, pid: int, deadline: float, log: Path, begin: int) -> None:
    while not answers(endpoint):
        if _ended(pid):
            raise ServiceError("the service did not start:\n" + _tail(log, begin), hint=f"its log is {log}")
        if time.monotonic() > deadline:
            raise ServiceError("the service does not answer:\n" + _tail(log, begin), hint=f"its log is {log}")
        time.sleep(_START_POLL_S)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()


def _tail(log: Path, begin: int) -> str:
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(begin)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-_TAIL_LINES:])
    return ""


def end(endpoint: Endpoint, grace_s: float) -> None:
    """Wait until the service has gone; ask with SIGTERM, in the end kill it.

    Its children die with it (PDEATHSIG). Raises ServiceError if even that does not help.
    """
    for number, patience_s in ((None, grace_s), (signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        pid = holder(endpoint.lock)
        if pid is None:
            return
        if number is not None and pid > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if gone(endpoint, patience_s):
            return
    raise ServiceError(f"process {holder(endpoint.lock)} of the service does not end")


def gone(endpoint: Endpoint, timeout_s: float) -> bool:
    """Return whether no service holds the lock, now or within the time."""
    deadline = time.monotonic() + timeout_s
    while holder(endpoint.lock) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
