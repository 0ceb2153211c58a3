"""Sockets that listen, and errors for ports that are taken."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from sbkernel.errors import ServiceError

_BACKLOG = 1024


def listen(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Return a socket that listens for each address. Raises ServiceError, and listens nowhere, when one is taken."""
    made: list[socket.socket] = []
    for address in addresses:
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made.append(socket.create_server((address, port), family=family, backlog=_BACKLOG))
        except OSError as error:
            for one in made:
                one.close()
            raise port_error(error, "TCP", address, port, "httpport") from error
        made[-1].setblocking(False)
    return made


def port_error(error: OSError, protocol: str, address: str, port: int, attribute: str) -> ServiceError:
    """Return the error for a port that cannot be bound, with what to type."""
    if error.errno == errno.EADDRINUSE:
        return ServiceError(
            f"{protocol} port {port} of {address} is in use by another program",
            hint=f"choose another one: sb chdef -t site {attribute}={port + 1}",
        )
    return ServiceError(f"cannot listen on {protocol} port {port} of {address}: {error.strerror}")
