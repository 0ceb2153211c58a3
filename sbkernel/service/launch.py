"""Start the service of a site when nobody answers, exactly once whoever asks, and end it again."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from sbkernel.errors import ServiceError
from sbkernel.jobs.run import detach
from sbkernel.service.endpoint import Endpoint, connect, holder, take
from sbkernel.site import Site

_POLL_S = 0.05
_TAIL_LINES = 12


def log_path(site: Site) -> Path:
    """Return the log of the service itself."""
    return site.log / "service.log"


def answers(endpoint: Endpoint) -> bool:
    """Return whether somebody listens on the socket."""
    try:
        connect(endpoint.socket, timeout_s=5.0).close()
    except OSError:
        return False
    return True


def start(site: Site, endpoint: Endpoint, timeout_s: float) -> None:
    """Start the service in its own session and wait until it answers; one of many callers starts it.

    Raises ServiceError with the end of the service's log when it does not come up.
    """
    lock = take(endpoint.starting, patience_s=timeout_s)
    if lock is None:
        raise ServiceError(
            f"another process has been starting the service for {timeout_s:.0f} s", hint=f"see {log_path(site)}"
        )
    with lock:
        if answers(endpoint):
            return
        log = log_path(site)
        begin = log.stat().st_size if log.exists() else 0
        pid = detach([sys.executable, "-m", "sbkernel.service.server", "--site", str(site.root)], log=log)
        _await_answer(endpoint, pid, time.monotonic() + timeout_s, log, begin)


def _await_answer(endpoint: Endpoint, pid: int, deadline: float, log: Path, begin: int) -> None:
    while not answers(endpoint):
        if _ended(pid):
            raise ServiceError("the service did not start:\n" + _tail(log, begin), hint=f"its log is {log}")
        if time.monotonic() > deadline:
            raise ServiceError("the service does not answer:\n" + _tail(log, begin), hint=f"its log is {log}")
        time.sleep(_POLL_S)


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
        if _gone(endpoint, patience_s):
            return
    raise ServiceError(f"process {holder(endpoint.lock)} of the service does not end")


def _gone(endpoint: Endpoint, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while holder(endpoint.lock) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
