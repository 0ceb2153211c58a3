"""Define virtual nodes: QEMU on this host behind a simulated BMC, run by the site's service."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import DefinitionError
from sbkernel.nodes.virtual.disk import make_disk
from sbkernel.nodes.virtual.qemu import USER_NETWORK
from sbkernel.nodes.virtual.uefi import forget_variables
from sbkernel.site import Site

USER = "admin"
HOST = "127.0.0.1"
PORTS = range(20000, 30000)
"""Ports of simulated BMCs and of forwarded ssh: below those that the kernel hands out by itself."""
QEMU_PREFIX = "52:54:00"


@dataclass(frozen=True)
class Made:
    """A virtual node, and whether it is new."""

    node: str
    created: bool


def mkvm(
    site: Site,
    name: str,
    *,
    network: str = USER_NETWORK,
    memory_mb: int = 1024,
    cpus: int = 2,
    disk_mb: int = 0,
    firmware: str = "",
) -> Made:
    """Define a virtual node unless it exists; its BMC comes up when the service sees it.

    `network` is "user" (needs no privileges) or the name of a bridge. With `disk_mb` it gets a disk, empty unless one
    of that name was left. `firmware` is a value of vmfirmware, "" the usual one of its architecture. Raises
    DefinitionError when a node of that name exists that is not virtual.
    """
    if name in site.nodes:
        if site.nodes[name].get("vmhost") != LOCAL:
            raise DefinitionError(f"{name} is a node already, and not a virtual one", hint="Choose another name.")
        return Made(name, created=False)
    more = {"vmstorage": str(make_disk(site, name, disk_mb))} if disk_mb else {}
    more |= {"vmfirmware": firmware} if firmware else {}
    site.change("node", {name: attributes(site, name, network, memory_mb, cpus) | more}, what="mkvm")
    return Made(name, created=True)


def rmvm(site: Site, name: str) -> str:
    """Remove the definition of a virtual node; the service then cuts its power and ends its BMC.

    Returns where its disk is, which stays; "" if it has none. Raises NotFoundError, or DefinitionError for a node that
    is not virtual.
    """
    if site.nodes[name].get("vmhost") != LOCAL:
        raise DefinitionError(f"{name} is not a virtual node", hint=f"sb rmdef -t node {name} removes its definition.")
    disk = site.nodes[name].get("vmstorage")
    site.delete("node", name)
    forget_variables(site, name)
    return disk if disk.startswith("/") else ""


def attributes(site: Site, name: str, network: str, memory_mb: int, cpus: int) -> dict[str, str | None]:
    """Return the attributes of a new virtual node."""
    others = site.nodes.many(site.nodes).values()
    ports = {port for node in others for port in (node.peek("bmc").rpartition(":")[2], node.peek("vmsshport"))}
    taken = {int(port) for port in ports if port.isdigit()}
    bmc_port = free_port(name, taken, socket.SOCK_DGRAM)
    user = network == USER_NETWORK
    return {
        "groups": "vm,all",
        "mac": free_mac(str(site.root), name, {node.peek("mac").lower() for node in others}),
        "mgt": "ipmi",
        "cons": "ipmi",
        "netboot": "xnba",
        "serialport": "0",
        "serialspeed": "115200",
        "bmc": f"{HOST}:{bmc_port}",
        "bmcusername": USER,
        # 16 characters: the password of an IPMI user has room for 20 bytes, on older clients for 16.
        "bmcpassword": secrets.token_urlsafe(12),
        "vmhost": LOCAL,
        "vmcpus": str(cpus),
        "vmmemory": str(memory_mb),
        "vmnics": network,
        "vmsshport": str(free_port(f"{name} ssh", taken | {bmc_port}, socket.SOCK_STREAM)) if user else None,
    }


def free_mac(site: str, name: str, taken: Iterable[str]) -> str:
    """Return a MAC address that follows from site and name, and that no other node has."""
    used = set(taken)
    for attempt in range(256):
        digest = hashlib.sha256(f"{site}\0{name}\0{attempt}".encode()).hexdigest()
        mac = ":".join((QEMU_PREFIX, digest[0:2], digest[2:4], digest[4:6]))
        if mac not in used:
            return mac
    raise DefinitionError(f"no free MAC address for {name}")


def free_port(name: str, taken: Iterable[int], kind: socket.SocketKind) -> int:
    """Return a port of the loopback that follows from the name, that is free now and that no node has.

    Raises DefinitionError when there is none.
    """
    used = set(taken)
    first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    for step in range(len(PORTS)):
        port = PORTS[(first + step) % len(PORTS)]
        if port not in used and _bindable(port, kind):
            return port
    raise DefinitionError(f"no free port for {name} among {PORTS.start} to {PORTS.stop - 1}")


def _bindable(port: int, kind: socket.SocketKind) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET, kind)) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
