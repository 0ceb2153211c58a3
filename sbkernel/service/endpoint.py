"""Where the service of a site listens, who holds its lock, and how to get there however long the path is."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sbkernel import files
from sbkernel.jobs.localsocket import reachable


@dataclass(frozen=True)
class Endpoint:
    """The files of the service in the run directory (0700) of its site."""

    run: Path

    @property
    def socket(self) -> Path:
        """The unix socket (0600)."""
        return self.run / "service.sock"

    @property
    def lock(self) -> Path:
        """Locked by the service for as long as it lives; holds its process id."""
        return self.run / "service.lock"

    @property
    def starting(self) -> Path:
        """Locked by the client that is starting the service."""
        return self.run / "service.starting"


def connect(path: Path, timeout_s: float) -> socket.socket:
    """Connect to the unix socket at a path of any length; OSError when nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout_s)
    try:
        with reachable(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def take(path: Path, *, patience_s: float = 0.0) -> IO[str] | None:
    """Take a lock and write our process id into it; None when another process keeps it. Close to release."""
    deadline = time.monotonic() + patience_s
    while True:
        with contextlib.suppress(BlockingIOError):
            file = os.fdopen(files.take(path, wait=False), "r+")
            break
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.02)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def holder(path: Path) -> int | None:
    """Return the process id of whoever holds a lock, None when nobody does."""
    if not files.is_held(path):
        return None
    text = path.read_text().strip()
    return int(text) if text.isdigit() else 0
