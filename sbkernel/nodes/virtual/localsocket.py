"""Unix sockets in the run directory of a site: paths of any length, closed to others."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a short name by way of the directory's descriptor: a socket's path is limited to 107 bytes (unix(7))."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


async def connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a socket. Raises OSError when nobody listens."""
    with _short(path) as name:
        return await asyncio.open_unix_connection(name)


def listen(path: Path) -> socket.socket:
    """Return a listening socket (0600) in the place of one that a dead process left."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.fchmod(listener.fileno(), 0o600)  # before bind: Linux gives the file the mode of the socket
    with _short(path) as name:
        listener.bind(name)
    listener.listen(64)
    listener.setblocking(False)
    return listener
