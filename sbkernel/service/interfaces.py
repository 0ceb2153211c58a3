"""The addresses of this host's network interfaces (netdevice(7), proc_net(5))."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from sbkernel.errors import ServiceError
from sbkernel.site import Site

LOOPBACK = "127.0.0.1"
_SIOCGIFADDR = 0x8915
_SCOPE_LINK = "20"
_IFREQ = struct.Struct("16s24x")


def dhcp_interfaces(site: Site) -> list[str]:
    """Return the interfaces of `dhcpinterfaces`; xCAT's form `host|eth1` names the host first."""
    value = site.attribute("dhcpinterfaces")
    names = [word.strip().rpartition("|")[2] for word in value.replace(";", ",").split(",")]
    return [name for name in names if name and name != "none"]


def address_of(interface: str) -> str:
    """Return the IPv4 address of an interface; ServiceError when it has none."""
    request = _IFREQ.pack(interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFADDR, request)
        except OSError as error:
            raise ServiceError(
                f"interface {interface} has no IPv4 address: {error.strerror}",
                hint="give it one, or take it out: sb chdef -t site dhcpinterfaces=...",
            ) from error
    return socket.inet_ntoa(answer[20:24])


def with_ipv6(interfaces: Iterable[str]) -> list[str]:
    """Return those interfaces that have an IPv6 address beyond the link."""
    try:
        rows = [line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines()]
    except FileNotFoundError:
        return []
    reachable = {row[5] for row in rows if row[3] != _SCOPE_LINK}
    return [name for name in interfaces if name in reachable]
