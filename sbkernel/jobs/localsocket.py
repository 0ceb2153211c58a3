"""Unix sockets in the run directory of a site: paths of any length, closed to others."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

_SUN_PATH = 108  # sizeof(sockaddr_un.sun_path), unix(7)


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Yield a name of a unix socket that fits into an address, through /proc when its path is too long."""
    if len(os.fsencode(path)) < _SUN_PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


async def open_connection(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a socket. Raises OSError when nobody listens."""
    # Those who only ask the service start in half the time without it.
    import asyncio

    with reachable(path) as name:
        return await asyncio.open_unix_connection(name)


def listen(path: Path) -> socket.socket:
    """Listen on a unix socket (0600) in the place of one that a dead process left; hold the lock of whoever listens."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.fchmod(listener.fileno(), 0o600)  # before bind: Linux gives the file the mode of the socket
    with reachable(path) as name:
        listener.bind(name)
    listener.listen(64)
    listener.setblocking(False)
    return listener
