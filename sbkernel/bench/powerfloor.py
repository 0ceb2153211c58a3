"""The floor of a warm power sweep: how long the simulator takes to answer as many requests of open sessions.

The requests are sealed beforehand, sent in bulk, and their answers only counted: no client can be faster beside this
simulator on this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from statistics import median

from sbkernel.bench.row import Goal
from sbkernel.errors import ServiceError
from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.ipmi.handshake import Response
from sbkernel.nodes.ipmi.ipmi import Pool
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.ipmi.session import Session
from sbkernel.nodes.ipmi.transport import RECEIVE_BUFFER

Request = tuple[bytes, tuple[str, int]]
"""A sealed datagram, and where it goes."""
_LOT = 64
_ANSWER_S = 5.0


class _Recorder:
    """In the place of the line to a BMC: keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, datagram: bytes) -> None:
        self.sent.append(bytes(datagram))


def floor(logins: Sequence[BmcLogin], runs: int) -> tuple[float, ...]:
    """Return the seconds of each run until all BMCs have answered. Raises ServiceError when one does not."""
    return asyncio.run(_floor(logins, runs))


def note(floor_s: Sequence[float], peer_s: Sequence[float], goal: Goal) -> str:
    """Say what the floor is to the peer, and when it is above the goal."""
    least = median(floor_s)
    ratio = least / median(peer_s)
    text = f"floor, sealed requests sent in bulk and nothing decoded: {least * 1000:.0f} ms, ratio {ratio:.2f}"
    above = f"; no client reaches {goal.ratio:g} beside this simulator on this machine"
    return text + (above if ratio > goal.ratio else "")


async def _floor(logins: Sequence[BmcLogin], runs: int) -> tuple[float, ...]:
    with contextlib.closing(Pool()) as pool:
        sealed = await asyncio.gather(*(_sealed(pool, login, runs) for login in logins))
        where = [(login.host, login.port) for login in logins]
        return tuple(_answered_s(list(zip(one, where, strict=True))) for one in zip(*sealed, strict=True))


async def _sealed(pool: Pool, login: BmcLogin, count: int) -> list[bytes]:
    """Open a session; return so many requests of it for the state of the power, which are not sent."""
    async with pool.get(login).held(lambda: None) as session:
        return [_recorded(session) for _ in range(count)]


def _recorded(session: Session) -> bytes:
    line, recorder = session.line, _Recorder()
    session.line = recorder  # type: ignore[assignment]  # all that a command needs of it
    session.command(chassis.NETFN_CHASSIS, chassis.GET_STATUS, b"", _ignore, repeat=False)
    session.give_up()
    session.line = line
    return recorder.sent[0]


def _answered_s(requests: Sequence[Request]) -> float:
    """Send requests, and return after how many seconds there were as many answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        began, heard = time.perf_counter(), 0
        for first in range(0, len(requests), _LOT):
            sock.setblocking(True)
            for datagram, address in requests[first : first + _LOT]:
                sock.sendto(datagram, address)
            sock.setblocking(False)
            heard += _heard(sock, len(requests))
        sock.settimeout(_ANSWER_S)
        heard += _heard(sock, len(requests) - heard)
        if heard < len(requests):
            raise ServiceError(f"the simulator answered {heard} of {len(requests)} requests")
        return time.perf_counter() - began


def _heard(sock: socket.socket, most: int) -> int:
    """Read answers; return how many came."""
    for count in range(most):
        try:
            sock.recv(2048)
        except (BlockingIOError, TimeoutError):
            return count
    return most


def _ignore(_response: Response) -> None:
    return None
