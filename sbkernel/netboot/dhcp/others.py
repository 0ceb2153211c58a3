"""The files of other DHCP servers, Kea and ISC dhcpd: networks with what boots there, and a line for each node. Pure.

The lines of nodes are in files of their own, so that one changed node is one changed line.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sbkernel.architectures import ARCHITECTURES
from sbkernel.errors import DefinitionError
from sbkernel.netboot.dhcp.dnsmasq import Reservation, Served
from sbkernel.netboot.loaders import DIRECTORY, IPXE_BIOS
from sbkernel.netboot.render import render_template

# What dhcp.py calls an option -> what both call it (kea-arm, "DHCPv4 Server"; dhcp-options(5))
_OPTIONS = {
    "router": "routers",
    "dns-server": "domain-name-servers",
    "ntp-server": "ntp-servers",
    "log-server": "log-servers",
    "domain-name": "domain-name",
    "mtu": "interface-mtu",
}
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ISC_HOST = re.compile(
    r"host (?P<node>\S+) \{ hardware ethernet (?P<mac>[0-9a-f:]{17});(?: fixed-address (?P<ip>\S+);)? option host-name "
)
Reservations = Mapping[str, Reservation]


@dataclass(frozen=True)
class Settings:
    """What is the same in all networks."""

    http_port: int
    lease_s: int


def kea_conf(networks: Iterable[Served], directory: Path, settings: Settings) -> str:
    """Return the configuration of kea-dhcp4; each network includes its file of nodes in `directory`."""
    found = [_checked(net) for net in networks]
    return render_template(
        "kea/kea-dhcp4.conf",
        networks=found,
        hosts={net.tag: directory / kea_hosts_name(net.block) for net in found},
        interfaces=sorted({net.interface for net in found if net.interface[:1] not in ("", "!")}) or ["*"],
        **_values(settings),
    )


def kea_hosts_name(block: ipaddress.IPv4Network) -> str:
    """Return the name of the file with the nodes of a network."""
    return f"kea-nodes-{block.network_address}-{block.prefixlen}.json"


def kea_hosts(nodes: Reservations, block: ipaddress.IPv4Network) -> str:
    """Return the list of the nodes whose address is in a network; Kea has no use for a node without one."""
    found = (
        {"hostname": one.node, "hw-address": one.mac, "ip-address": one.ip}
        for _, one in sorted(nodes.items())
        if one.ip and ipaddress.ip_address(one.ip) in block
    )
    lines = [json.dumps(one) for one in found]
    return "".join(f"{'[' if number == 0 else ','} {line}\n" for number, line in enumerate(lines)) + (
        "]\n" if lines else "[ ]\n"
    )


def read_kea_hosts(text: str) -> dict[str, Reservation]:
    """Return the nodes in such a list. Raises ValueError for what makedhcp has not written."""
    try:
        found = [Reservation(one["hostname"], one["hw-address"], one["ip-address"]) for one in json.loads(text)]
    except (KeyError, TypeError) as error:
        raise ValueError(f"no list of nodes: {error}") from None
    return {one.node: one for one in found}


def dhcpd_conf(networks: Iterable[Served], hosts: Path, settings: Settings) -> str:
    """Return the configuration of ISC dhcpd, which includes the file `hosts` of all nodes."""
    if '"' in str(hosts):
        raise DefinitionError(f"dhcpd cannot include {hosts}: its name has a quote")
    found = [_checked(net) for net in networks]
    return render_template("dhcpd/dhcpd.conf", networks=found, hosts=hosts, **_values(settings))


def dhcpd_hosts(nodes: Reservations) -> str:
    """Return a line for each node."""
    return "# Written by makedhcp, read by dhcpd.\n" + "".join(_dhcpd_host(one) for _, one in sorted(nodes.items()))


def read_dhcpd_hosts(text: str) -> dict[str, Reservation]:
    """Return the nodes in such lines. Raises ValueError for a line that makedhcp has not written."""
    found = {}
    for line in filter(None, text.splitlines()):
        if match := _ISC_HOST.match(line):
            found[match["node"]] = Reservation(match["node"], match["mac"], match["ip"] or "")
        elif not line.startswith("#"):
            raise ValueError(f"no node: {line}")
    return found


def _dhcpd_host(one: Reservation) -> str:
    address = f" fixed-address {one.ip};" if one.ip and ":" not in one.ip else ""
    return f'host {one.node} {{ hardware ethernet {one.mac};{address} option host-name "{one.node}"; }}\n'


def _values(settings: Settings) -> dict[str, object]:
    return {
        "uefi": [one for one in ARCHITECTURES.values() if one.efi_loader],
        "ipxe_bios": IPXE_BIOS,
        "loaders_path": f"boot/{DIRECTORY}",
        "http_port": settings.http_port,
        "lease_s": settings.lease_s,
    }


def _checked(net: Served) -> Served:
    """Name the options of a network as both servers do. Raises DefinitionError for a value that they do not take."""
    options = ((name, _value(net, name, value)) for name, value in net.options if value)
    return replace(net, options=tuple((_OPTIONS[name], value) for name, value in options))


def _value(net: Served, option: str, value: str) -> str:
    if option == "domain-name":
        good = bool(_DOMAIN.fullmatch(value))
    elif option == "mtu":
        good = value.isdecimal()
    else:
        good = all(map(_is_address, words := value.split(",")))
        value = ", ".join(word.strip() for word in words)
    if not good:
        raise DefinitionError(
            f"{option} {value!r} of network {net.block} cannot be told by DHCP",
            hint="addresses, with commas between; a domain of letters, digits, dots and dashes",
        )
    return value


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text.strip())
    except ValueError:
        return False
    return True
