"""makedhcp: write the files that dnsmasq reads. The service starts it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from sbkernel.definitions.definition import Definition
from sbkernel.errors import SbkernelError
from sbkernel.files import write_if_changed
from sbkernel.netboot import bootfiles
from sbkernel.netboot.claims import Claims
from sbkernel.netboot.dhcp import DhcpPlaces, dnsmasq_conf, host_line
from sbkernel.netboot.names import node_file_name
from sbkernel.site import Site

_log = logging.getLogger(__name__)


def makedhcp(site: Site, addresses: Mapping[str, str], *, ipv6: Iterable[str] = ()) -> Path:
    """Write the configuration and the lines of all nodes; return the path of the configuration.

    `addresses` gives our address on each interface to serve; `ipv6` are those that also have an IPv6 address.
    """
    directory = dhcp_directory(site)
    places = DhcpPlaces(leases=directory / "leases", hosts=directory / "hosts")
    spare = {"nameservers": site.attribute("nameservers")}
    networks = (Definition.of("network", one.name, {**spare, **one.attributes}) for one in site.networks.values())
    text = dnsmasq_conf(
        networks,
        addresses,
        places,
        http_port=site.http_port,
        lease_s=int(site.attribute("dhcplease", "43200")),
        ipv6=ipv6,
    )
    places.hosts.mkdir(exist_ok=True)
    known = site.nodes.many(site.nodes)
    for stale in places.hosts.iterdir():
        if stale.name not in known:
            stale.unlink()
    write_hosts(site, known.values())
    bootfiles.write_common(site.boot)
    write_if_changed(directory / "dnsmasq.conf", text)
    return directory / "dnsmasq.conf"


def write_hosts(site: Site, nodes: Iterable[Definition]) -> None:
    """Write the lines of some nodes. A running dnsmasq notices them.

    A node whose address is wrong or belongs to another node gets no line; this is logged. The others get theirs.
    """
    claims = Claims(site.store)
    for node in nodes:
        try:
            line = _line(node, claims)
        except SbkernelError as error:
            _log.warning("no DHCP for a node: %s", error.message)
            line = ""
        write_if_changed(dhcp_directory(site) / "hosts" / node_file_name(node.name), line)


def _line(node: Definition, claims: Claims) -> str:
    if node.get("mac"):
        claims.check(node.name, node.get("mac"), node.get("ip"))
    return host_line(node)


def dhcp_directory(site: Site) -> Path:
    """Return the directory of dnsmasq's files."""
    directory = site.run / "dhcp"
    directory.mkdir(exist_ok=True)
    return directory
