"""What DHCP says to the machines of a network, and the configuration of dnsmasq, which says it. Pure.

dnsmasq gives addresses, or tells beside another DHCP server where to boot from (proxy), and sends iPXE by TFTP.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sbkernel.architectures import ARCHITECTURES
from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.netboot.loaders import DIRECTORY, GRUB_BIOS, IPXE_BIOS
from sbkernel.netboot.names import dashed_mac, node_file_name
from sbkernel.netboot.render import render_template
from sbkernel.netboot.scripts import boots_by_grub

T = TypeVar("T")

OTHERS = ("kea", "isc")
"""DHCP servers of others (site attribute dhcpbackend) whose files makedhcp writes."""


FULL, PROXY, TFTP = "dhcp", "proxy", "tftp"
"""What dnsmasq is in a network: its DHCP server, a proxy beside another one, or the TFTP server of another one."""
VENDORS = ("PXEClient", "HTTPClient")
"""What firmware calls itself that a proxy answers (UEFI 2.10, 24.7)."""
_BY_GRUB = "set:grub2"


@dataclass(frozen=True)
class Served:
    """A network with machines that boot from `server`; `role` is what dnsmasq is there, on an interface."""

    tag: str
    interface: str
    server: str
    block: ipaddress.IPv4Network
    first: str
    last: str
    options: tuple[tuple[str, str], ...]
    role: str = FULL


@dataclass(frozen=True)
class Reservation:
    """What DHCP knows of a node; `ip` may be empty."""

    node: str
    mac: str
    ip: str = ""
    by_grub: bool = field(default=False, compare=False)
    """Whether it boots by GRUB; dnsmasq alone is told, the others send iPXE, which leads to GRUB."""


@dataclass(frozen=True)
class DhcpPlaces:
    """The directories and files of dnsmasq."""

    leases: Path
    hosts: Path
    loaders: Path


def dnsmasq_conf(
    networks: Iterable[Definition],
    addresses: Mapping[str, str],
    places: DhcpPlaces,
    *,
    http_port: int,
    lease_s: int = 43200,
    ipv6: Iterable[str] = (),
    backend: str = "",
    ours: Iterable[str] = (),
    names_vendors: bool = True,
) -> str:
    """Return the text of dnsmasq.conf for `networks`. `addresses` gives our address on each interface to serve.

    `ipv6` are the interfaces with an IPv6 address. dnsmasq advertises a router there, because iPXE waits for one.
    `backend` is the site's dhcpbackend: with kea or isc, that gives the addresses, and dnsmasq serves TFTP alone.
    `ours` are further names and addresses of this host. `names_vendors` tells whether dnsmasq can be told whom to
    answer as a proxy. Raises DefinitionError if a network is wrong, or an interface has none.
    """
    here = {*addresses.values(), *ours}
    found = [
        serve(number, network, addresses[network.get("mgtifname")], role_in(network, here, backend))
        for number, network in enumerate(networks)
        if network.get("mgtifname") in addresses
    ]
    for interface in addresses:
        if interface not in {net.interface for net in found}:
            raise DefinitionError(
                f"there is no network for the interface {interface}",
                hint=f"sb mkdef -t network NAME net=10.0.0.0 mask=255.255.255.0 mgtifname={interface}",
            )
    return render_template(
        "dnsmasq/dnsmasq.conf",
        networks=found,
        http_port=http_port,
        lease_s=lease_s,
        leases=places.leases,
        hosts=places.hosts,
        loaders=places.loaders,
        loaders_path=f"boot/{DIRECTORY}",
        ipxe_bios=IPXE_BIOS,
        grub_bios=GRUB_BIOS,
        uefi=[one for one in ARCHITECTURES.values() if one.efi_loader],
        pxe=[(one.efi_loader, number) for one in ARCHITECTURES.values() for number in one.efi_clients],
        vendors=VENDORS if names_vendors and any(net.role == PROXY for net in found) else (),
        ipv6=sorted(set(ipv6) & {net.interface for net in found if net.role == FULL}),
    )


def role_in(network: Definition, ours: Container[str], backend: str) -> str:
    """Return what dnsmasq is in a network: a proxy where `dhcpserver` names a host that is not one of our addresses."""
    if backend in OTHERS:
        return TFTP
    other = network.get("dhcpserver")
    return PROXY if other and other != "<xcatmaster>" and other not in ours else FULL


def reservation(node: Definition) -> Reservation | None:
    """Return what DHCP is told of a node, None if it has no MAC address. Raises DefinitionError for a wrong address."""
    if not node.get("mac"):
        return None
    mac = dashed_mac(node.get("mac")).replace("-", ":")
    return Reservation(node_file_name(node.name), mac, _address(node), boots_by_grub(node))


def host_line(given: Reservation | None) -> str:
    """Return the line for a node in dnsmasq's dhcp-hostsdir; "" if it has no MAC address."""
    if not given:
        return ""
    return ",".join(filter(None, (given.mac, _BY_GRUB if given.by_grub else "", given.ip, given.node))) + "\n"


def read_host_line(node: str, line: str) -> Reservation | None:
    """Return what a line says of a node, None for an empty one."""
    words = line.strip().split(",")
    rest = [word for word in words[1:] if word != _BY_GRUB]
    return Reservation(node, words[0], rest[0] if len(rest) > 1 else "", _BY_GRUB in words) if words[0] else None


def _address(node: Definition) -> str:
    text = node.get("ip")
    return "" if not text else str(_parsed(ipaddress.ip_address, text, f"ip of node {node.name}"))


def serve(number: int, network: Definition, server: str, role: str = FULL) -> Served:
    """Return a network, the `number`th, whose machines boot from `server`. Raises DefinitionError if it is wrong."""
    where = f"network {network.name}"
    block = _parsed(ipaddress.IPv4Network, f"{network.get('net')}/{network.get('mask').lstrip('/')}", where)
    first, last = _range(network, block)
    options = tuple(_options(network, server))
    return Served(f"net{number}", network.get("mgtifname"), server, block, first, last, options, role)


def _range(network: Definition, block: ipaddress.IPv4Network) -> tuple[str, str]:
    text = network.get("dynamicrange")
    if not text:
        return "", ""
    ends = text.partition("-")[::2]
    parsed = [_parsed(ipaddress.IPv4Address, end, f"dynamicrange of network {network.name}") for end in ends]
    if any(end not in block for end in parsed) or parsed[0] > parsed[1]:
        raise DefinitionError(f"dynamicrange {text} of network {network.name} does not lie in {block}")
    return str(parsed[0]), str(parsed[1])


def _options(network: Definition, server: str) -> Iterable[tuple[str, str]]:
    # An empty value keeps dnsmasq from sending its own address as the router.
    yield "router", _here(network.get("gateway"), server)
    for option, attribute in (
        ("dns-server", "nameservers"),
        ("ntp-server", "ntpservers"),
        ("log-server", "logservers"),
    ):
        if network.get(attribute):
            yield option, ",".join(_here(word.strip(), server) for word in network.get(attribute).split(","))
    if network.get("domain"):
        yield "domain-name", network.get("domain")
    if network.get("mtu"):
        yield "mtu", network.get("mtu")


def _here(value: str, server: str) -> str:
    return server if value == "<xcatmaster>" else value


def _parsed(kind: Callable[[str], T], text: str, where: str) -> T:
    try:
        return kind(text.strip())
    except ValueError as error:
        raise DefinitionError(f"{where}: {error}") from None
