"""Write the configuration of dnsmasq, which assigns addresses to nodes (DHCP) and sends them iPXE (TFTP). Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sbkernel.architectures import ARCHITECTURES
from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError
from sbkernel.netboot.names import dashed_mac, node_file_name
from sbkernel.netboot.render import render_template

T = TypeVar("T")

# The directory of undionly.kpxe (BIOS), ipxe.efi and ipxe-arm64.efi (UEFI) in Debian's package ipxe.
LOADERS = Path("/usr/lib/ipxe")


@dataclass(frozen=True)
class Served:
    """A network that dnsmasq serves on an interface; `server` is the address of this host there."""

    tag: str
    interface: str
    server: str
    address: str
    mask: str
    first: str
    last: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DhcpPlaces:
    """The directories and files of dnsmasq."""

    leases: Path
    hosts: Path
    loaders: Path = LOADERS


def dnsmasq_conf(
    networks: Iterable[Definition],
    addresses: Mapping[str, str],
    places: DhcpPlaces,
    *,
    http_port: int,
    lease_s: int = 43200,
    ipv6: Iterable[str] = (),
) -> str:
    """Return the text of dnsmasq.conf for `networks`. `addresses` gives our address on each interface to serve.

    `ipv6` are the interfaces with an IPv6 address. dnsmasq advertises a router there, because iPXE waits for one.
    Raises DefinitionError if a network is wrong, or if an interface has none.
    """
    served = [_serve(number, network, addresses) for number, network in enumerate(networks)]
    found = [net for net in served if net is not None]
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
        uefi=[one for one in ARCHITECTURES.values() if one.efi_loader],
        ipv6=sorted(ipv6),
    )


def host_line(node: Definition) -> str:
    """Return the line for a node in dnsmasq's dhcp-hostsdir; "" if it has no MAC address."""
    if not node.get("mac"):
        return ""
    mac = dashed_mac(node.get("mac")).replace("-", ":")
    return ",".join(word for word in (mac, _address(node), node_file_name(node.name)) if word) + "\n"


def _address(node: Definition) -> str:
    text = node.get("ip")
    return "" if not text else str(_parsed(ipaddress.ip_address, text, f"ip of node {node.name}"))


def _serve(number: int, network: Definition, addresses: Mapping[str, str]) -> Served | None:
    interface = network.get("mgtifname")
    if interface not in addresses:
        return None
    where = f"network {network.name}"
    block = _parsed(ipaddress.IPv4Network, f"{network.get('net')}/{network.get('mask').lstrip('/')}", where)
    first, last = _range(network, block)
    return Served(
        tag=f"net{number}",
        interface=interface,
        server=addresses[interface],
        address=str(block.network_address),
        mask=str(block.netmask),
        first=first,
        last=last,
        options=tuple(_options(network, addresses[interface])),
    )


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
