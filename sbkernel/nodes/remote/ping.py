"""Ask many hosts at once whether they answer ICMP, where the kernel lets us (icmp(7): ping_group_range, or root)."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Iterable
from contextlib import suppress

_ECHO, _REPLY = 8, 0


def ping(hosts: Iterable[str], timeout_s: float = 1.0) -> set[str]:
    """Return the hosts that answer an echo request, over IPv4; none if we may not send any."""
    found: dict[str, list[str]] = {}
    for host in hosts:
        with suppress(OSError):
            found.setdefault(socket.gethostbyname(host), []).append(host)
    line = _open()
    if line is None or not found:
        return set()
    with line:
        line.setblocking(False)
        for address in found:
            with suppress(OSError):
                line.sendto(_request(), (address, 0))
        answered = _replies(line, set(found), time.monotonic() + timeout_s)
    return {host for address in answered for host in found[address]}


def _open() -> socket.socket | None:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        with suppress(OSError):
            return socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
    return None


def _replies(line: socket.socket, asked: set[str], deadline: float) -> set[str]:
    answered: set[str] = set()
    while answered != asked and (left := deadline - time.monotonic()) > 0:
        if not select.select([line], [], [], left)[0]:
            break
        with suppress(OSError):
            packet, (address, _) = line.recvfrom(2048)
            # A raw socket gives the IP header, too.
            body = packet[(packet[0] & 15) * 4 :] if line.type == socket.SOCK_RAW else packet
            if body[:1] == bytes([_REPLY]):
                answered |= {address} & asked
    return answered


def _request() -> bytes:
    """Return an echo request (RFC 792)."""
    head = struct.pack("!BBHHH", _ECHO, 0, 0, os.getpid() & 0xFFFF, 1)
    total = sum(struct.unpack("!4H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:2] + struct.pack("!H", ~total & 0xFFFF) + head[4:]
