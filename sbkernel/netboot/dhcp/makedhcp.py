"""makedhcp: write what DHCP servers read: dnsmasq, which the service starts, or Kea and ISC dhcpd of the site."""

from __future__ import annotations

import ipaddress
import logging
import os
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path

from sbkernel import files
from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import made, write_if_changed
from sbkernel.jobs.run import run
from sbkernel.netboot import bootfiles, loaders
from sbkernel.netboot.claims import Claims
from sbkernel.netboot.dhcp import dnsmasq, others
from sbkernel.netboot.dhcp.dnsmasq import DhcpPlaces, Reservation, dnsmasq_conf, host_line
from sbkernel.netboot.names import node_file_name
from sbkernel.netboot.server import block_of
from sbkernel.site import Site

_log = logging.getLogger(__name__)
DNSMASQ = "dnsmasq"
FORMATS = (DNSMASQ, *dnsmasq.OTHERS)
_INFINITE_S = 0xFFFFFFFF
_REMOTE = "!remote!"
_OLD = (
    "this dnsmasq is too old to be a proxy for UEFI HTTP boot (it has no dhcp-pxe-vendor): boot such nodes by PXE, or"
    " let the site's own DHCP server answer vendor class HTTPClient with option 60 HTTPClient and option 67 {loader},"
    " where LOADER is ipxe.efi for x86_64 (client 16), ipxe-arm64.efi for aarch64 (19)"
)


def makedhcp(site: Site, addresses: Mapping[str, str], *, ipv6: Iterable[str] = ()) -> Path:
    """Write dnsmasq's configuration and the lines of all nodes; return the path of the configuration.

    `addresses` gives our address on each interface to serve; `ipv6` are those that also have an IPv6 address.
    """
    directory = dhcp_directory(site)
    places = DhcpPlaces(leases=directory / "leases", hosts=directory / "hosts", loaders=loaders.lay_ipxe(site.boot))
    text = dnsmasq_conf(
        _networks(site),
        addresses,
        places,
        http_port=site.http_port,
        lease_s=_lease_s(site),
        ipv6=ipv6,
        backend=site.attribute("dhcpbackend"),
        ours=_this_host(site),
        names_vendors=_names_vendors(site, addresses),
    )
    known = site.nodes.many(site.nodes)
    for stale in made(places.hosts).iterdir():
        if stale.name not in known:
            stale.unlink()
    write_hosts(site, known.values(), DNSMASQ)
    bootfiles.write_common(site.boot)
    write_if_changed(directory / "dnsmasq.conf", text)
    return directory / "dnsmasq.conf"


def makedhcp_for(site: Site, backend: str, address_of: Callable[[str], str]) -> Path:
    """Write the configuration of Kea or ISC dhcpd, and its nodes if there are none yet; return its path.

    `address_of` gives our address on an interface, "" if it has none. Raises DefinitionError if a network is wrong or
    has no server, or if there is none.
    """
    blocks = [
        dnsmasq.serve(number, network, _server(site, network, address_of))
        for number, network in enumerate(_networks(site))
        if ":" not in network.get("net")
    ]
    if not blocks:
        raise DefinitionError("there is no network", hint="sb mkdef -t network NAME net=10.0.0.0 mask=255.255.255.0")
    directory, settings = _directory(site), others.Settings(site.http_port, _lease_s(site))
    if backend == "kea":
        name, text = "kea-dhcp4.conf", others.kea_conf(blocks, directory, settings)
    else:
        name, text = "dhcpd.conf", others.dhcpd_conf(blocks, directory / _DHCPD_HOSTS, settings)
    with files.in_turn(directory / ".lock"):
        _write_known(site, backend, {node: one for node, one in known(site, backend).items() if node in site.nodes})
        write_if_changed(directory / name, text)
        _remove_stale(directory, {others.kea_hosts_name(one.block) for one in blocks})
    bootfiles.write_common(site.boot)
    loaders.lay_ipxe(site.boot)
    return directory / name


def roles(site: Site, addresses: Mapping[str, str]) -> list[str]:
    """Return a line for each network on our interfaces: what dnsmasq is there."""
    told = {dnsmasq.FULL: "DHCP", dnsmasq.PROXY: "proxy DHCP beside {}", dnsmasq.TFTP: "TFTP alone"}
    found = [network for network in site.networks.values() if network.get("mgtifname") in addresses]
    backend, ours = site.attribute("dhcpbackend"), {*addresses.values(), *_this_host(site)}

    def role(network: Definition) -> str:
        return told[dnsmasq.role_in(network, ours, backend)]

    return [f"{one.name}: {role(one).format(one.get('dhcpserver'))} on {one.get('mgtifname')}" for one in found]


def _names_vendors(site: Site, addresses: Mapping[str, str]) -> bool:
    """Return whether dnsmasq can be told whom to answer as a proxy; where it must and cannot, log what that costs."""
    if not any(line.partition(": ")[2].startswith("proxy") for line in roles(site, addresses)):
        return True
    try:
        able = "--dhcp-pxe-vendor" in run([DNSMASQ, "--help"]).stdout
    except SbkernelError:
        return True  # it is not installed here, or will say itself what is wrong
    if not able:
        _log.warning("%s", _OLD.format(loader=f"http://SERVER:{site.http_port}/boot/{loaders.DIRECTORY}/LOADER"))
    return able


def _this_host(site: Site) -> set[str]:
    """Return the names and addresses by which definitions may mean this host."""
    name = os.uname().nodename
    return {name, name.partition(".")[0], site.address, "localhost"}


def backend_of(site: Site) -> str:
    """Return the DHCP server of the site (site attribute dhcpbackend): dnsmasq, kea or isc."""
    named = site.attribute("dhcpbackend")
    return named if named in FORMATS else DNSMASQ


def is_told(site: Site) -> bool:
    """Tell whether nodeset tells DHCP of nodes: there is one that listens to it, and dhcpsetup does not forbid it."""
    listens = site.attribute("dhcpinterfaces") or backend_of(site) != DNSMASQ
    return bool(listens) and site.attribute("dhcpsetup") not in ("n", "0")


def write_hosts(site: Site, nodes: Iterable[Definition], backend: str = "") -> None:
    """Tell a DHCP server, else that of the site, of some nodes. A running dnsmasq notices it.

    A node whose address is wrong or belongs to another node is not told of; this is logged. The others are.
    """
    for error in add(site, backend or backend_of(site), nodes).values():
        _log.warning("no DHCP for a node: %s", error.message)


def add(site: Site, backend: str, nodes: Iterable[Definition]) -> dict[str, SbkernelError]:
    """Write what DHCP is told of some nodes; return why for each node of which it cannot be told."""
    found = reservations(site, nodes)
    if backend == DNSMASQ:
        _write_lines(site, found)
    else:
        _change_known(
            site, backend, {name: None if isinstance(one, SbkernelError) else one for name, one in found.items()}
        )
    return {name: one for name, one in found.items() if isinstance(one, SbkernelError)}


def remove(site: Site, backend: str, names: Iterable[str]) -> None:
    """Take nodes out of what DHCP is told."""
    if backend != DNSMASQ:
        _change_known(site, backend, dict.fromkeys(names))
        return
    for name in names:
        (dhcp_directory(site) / "hosts" / node_file_name(name)).unlink(missing_ok=True)


def known(site: Site, backend: str) -> dict[str, Reservation]:
    """Return what DHCP is told now, by node. Raises DefinitionError for a file that is not makedhcp's."""
    if backend == DNSMASQ:
        hosts = made(dhcp_directory(site) / "hosts")
        read = (dnsmasq.read_host_line(file.name, file.read_text()) for file in hosts.iterdir() if file.name[0] != ".")
        return {one.node: one for one in read if one}
    found: dict[str, Reservation] = {}
    pattern, reader = _READERS[backend]
    for file in sorted(_directory(site).glob(pattern)):
        try:
            found |= reader(file.read_text())
        except ValueError as error:
            raise DefinitionError(
                f"{file}: {error}", hint="it is makedhcp's: move it away, and makedhcp -a writes it anew"
            ) from None
    return found


Told = dict[str, Reservation | SbkernelError | None]


def reservations(site: Site, nodes: Iterable[Definition]) -> Told:
    """Return what DHCP is to be told of each node: nothing without a MAC address, or why it cannot be."""
    claims = Claims(site.store)
    return {node.name: _reservation(node, claims) for node in nodes}


def _reservation(node: Definition, claims: Claims) -> Reservation | SbkernelError | None:
    try:
        if node.get("mac"):
            claims.check(node.name, node.get("mac"), node.get("ip"))
        return dnsmasq.reservation(node)
    except SbkernelError as error:
        return error


def _write_lines(site: Site, found: Told) -> None:
    with files.Folder(dhcp_directory(site) / "hosts") as hosts:
        for name, one in found.items():
            line = host_line(None if isinstance(one, SbkernelError) else one)
            hosts.write_if_changed(node_file_name(name), line.encode())


_DHCPD_HOSTS = "dhcpd-nodes.conf"
_READERS = {"kea": ("kea-nodes-*.json", others.read_kea_hosts), "isc": (_DHCPD_HOSTS, others.read_dhcpd_hosts)}


def _change_known(site: Site, backend: str, changes: Mapping[str, Reservation | None]) -> None:
    with files.in_turn(_directory(site) / ".lock"):
        now: dict[str, Reservation | None] = {**known(site, backend), **changes}
        _write_known(site, backend, {name: one for name, one in now.items() if one})


def _write_known(site: Site, backend: str, nodes: Mapping[str, Reservation]) -> None:
    directory = _directory(site)
    if backend == "isc":
        write_if_changed(directory / _DHCPD_HOSTS, others.dhcpd_hosts(nodes))
        return
    # A network that is wrong is makedhcp -n's to name; nodes of the others are told all the same.
    for block in set(filter(None, map(block_of, site.networks.values()))):
        write_if_changed(directory / others.kea_hosts_name(block), others.kea_hosts(nodes, block))


def _remove_stale(directory: Path, included: Container[str]) -> None:
    """Remove the nodes of networks that are gone, once no configuration includes them."""
    for file in directory.glob(_READERS["kea"][0]):
        if file.name not in included:
            file.unlink()


def _networks(site: Site) -> Iterable[Definition]:
    spare = {"nameservers": site.attribute("nameservers")}
    return (Definition.of("network", one.name, {**spare, **one.attributes}) for one in site.networks.values())


def _server(site: Site, network: Definition, address_of: Callable[[str], str]) -> str:
    """Return the address from which machines of a network boot, as they see it."""
    named = network.get("tftpserver").replace("<xcatmaster>", "")
    interface = network.get("mgtifname")
    address = named or ("" if interface.startswith(_REMOTE) else address_of(interface)) or site.address
    try:
        return str(ipaddress.IPv4Address(address))
    except ValueError:
        raise DefinitionError(
            f"network {network.name} has no server to boot from: {address or 'none is set'}",
            hint=f"sb chdef -t network {network.name} tftpserver=ADDRESS, or sb chdef -t site master=ADDRESS",
        ) from None


def _lease_s(site: Site) -> int:
    text = site.attribute("dhcplease", "43200")
    return _INFINITE_S if text == "infinite" else int(text)


def _directory(site: Site) -> Path:
    """Return the directory of the files for other DHCP servers (site attribute dhcpdir)."""
    return made(Path(site.attribute("dhcpdir") or site.root / "dhcp"))


def dhcp_directory(site: Site) -> Path:
    """Return the directory of dnsmasq's files."""
    directory = site.run / "dhcp"
    directory.mkdir(exist_ok=True)
    return directory
