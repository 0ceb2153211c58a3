"""Run in a network namespace: ask DHCP as PXE firmware or iPXE does (RFC 2131, PXE 2.1), and print answers as JSON.

It asks on port 67 by broadcast, takes the address that it is given, and then, as UEFI firmware does, asks each server
that has no address to give on port 4011.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from typing import Any

MAGIC = b"\x63\x82\x53\x63"
SO_BINDTODEVICE = 25
SIOCGIFHWADDR = 0x8927
AGAIN_S = 4.0
"""A server may first probe whether an address is free, which takes it three seconds."""


def packet(kind: int, mac: bytes, arch: int, *, ipxe: bool, ip: str, more: bytes = b"") -> bytes:
    """Return a DHCP message of firmware of an architecture."""
    fixed = struct.pack(
        "!BBBBIHH4s4s4s4s16s192s", 1, 1, 6, 0, int.from_bytes(os.urandom(4)), 0, 0x8000 if ip == "0.0.0.0" else 0,
        socket.inet_aton(ip), bytes(4), bytes(4), bytes(4), mac, bytes(192),
    )  # fmt: skip
    vendor = b"%s:Arch:%05d:UNDI:003016" % (b"HTTPClient" if arch in (15, 16, 18, 19) else b"PXEClient", arch)
    options = bytes([53, 1, kind, 55, 8, 1, 3, 12, 43, 60, 66, 67, 175, 93, 2]) + struct.pack("!H", arch)
    options += bytes([94, 3, 1, 3, 16, 97, 17, 0]) + bytes(range(16)) + bytes([60, len(vendor)]) + vendor
    if ipxe:
        options += bytes([77, 4]) + b"iPXE" + bytes([175, 3, 19, 1, 1])
    return fixed + MAGIC + options + more + b"\xff"


def read(message: bytes) -> dict[str, Any]:
    """Return what a booting machine looks at in an answer."""
    options, rest = {}, message[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        code, size = rest[0], rest[1]
        options[code] = options.get(code, b"") + rest[2 : 2 + size]
        rest = rest[2 + size :]
    file = message[108:236].split(b"\0")[0] or options.get(67, b"").rstrip(b"\0")
    return {
        "xid": message[4:8].hex(),
        "kind": options.get(53, b"\0")[0],
        "yours": socket.inet_ntoa(message[16:20]),
        "next": socket.inet_ntoa(message[20:24]),
        "file": file.decode(),
        "server": socket.inet_ntoa(options.get(54, bytes(4))),
        "vendor": options.get(60, b"").decode(),
        "name": options.get(12, b"").decode(),
        "router": socket.inet_ntoa(options[3][:4]) if 3 in options else "",
    }


def ask(
    interface: str, message: bytes, target: tuple[str, int], tries: int, servers: int = 1, port: int = 68
) -> list[dict[str, Any]]:
    """Send a message, again and again, until so many servers have answered; return one answer of each."""
    found: dict[str, dict[str, Any]] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, interface.encode())
        sock.bind(("", port))
        for _ in range(tries):
            sock.sendto(message, target)
            deadline = time.monotonic() + AGAIN_S
            while len(found) < servers and (left_s := deadline - time.monotonic()) > 0:
                sock.settimeout(left_s)
                try:
                    answer = read(sock.recv(4096))
                except TimeoutError:
                    break
                if answer["xid"] == message[4:8].hex():
                    found[answer["server"]] = answer
            if len(found) >= servers:
                break
    return list(found.values())


def boot(interface: str, arch: int, servers: int, tries: int, *, ipxe: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the answers to the first message, to the request for an address, and of servers that only boot."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("256s", interface.encode())
        mac = fcntl.ioctl(sock.fileno(), SIOCGIFHWADDR, request)[18:24]
    broadcast = ("255.255.255.255", 67)
    offers = ask(interface, packet(1, mac, arch, ipxe=ipxe, ip="0.0.0.0"), broadcast, tries, servers)
    given = next((offer for offer in offers if offer["yours"] != "0.0.0.0"), None)
    if given is None:
        return {"offers": offers, "acks": [], "proxies": []}
    wanted = bytes([50, 4]) + socket.inet_aton(given["yours"]) + bytes([54, 4]) + socket.inet_aton(given["server"])
    acks = ask(interface, packet(3, mac, arch, ipxe=ipxe, ip="0.0.0.0", more=wanted), broadcast, tries)
    subprocess.run(["ip", "addr", "replace", f"{given['yours']}/24", "dev", interface], check=True)
    proxies = []
    for offer in offers:
        if offer["yours"] == "0.0.0.0" and offer["vendor"] == "PXEClient":
            message = packet(3, mac, arch, ipxe=ipxe, ip=given["yours"])
            proxies += ask(interface, message, (offer["server"], 4011), tries)
    subprocess.run(["ip", "addr", "del", f"{given['yours']}/24", "dev", interface], check=True)
    return {"offers": offers, "acks": acks, "proxies": proxies}


if __name__ == "__main__":
    print(
        json.dumps(
            boot(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), ipxe=sys.argv[5:] == ["ipxe"])
        )
    )
