"""xCAT's makedhcp: write what DHCP is to know: networks and nodes, for dnsmasq, Kea or ISC dhcpd."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.errors import DefinitionError, ServiceError
from sbkernel.netboot.dhcp import makedhcp as dhcp
from sbkernel.service.interfaces import address_of, dhcp_interfaces, with_ipv6
from sbkernel.site import Site

_APPLY = {
    dhcp.DNSMASQ: "the service applies it by itself, and starts dnsmasq",
    "kea": "to apply it: kea-dhcp4 -t FILE, then systemctl reload kea-dhcp4-server",
    "isc": "to apply it: dhcpd -t -cf FILE, then systemctl restart isc-dhcp-server",
}


@click.command()
@click.argument("noderange", required=False)
@click.option("-n", "new", is_flag=True, help="Write the configuration: networks, and what boots there.")
@click.option("-a", "everybody", is_flag=True, help="All nodes.")
@click.option("-d", "delete", is_flag=True, help="Take the nodes out.")
@click.option("-q", "query", is_flag=True, help="Show what DHCP knows of the nodes.")
@click.option(
    "--format", "backend", type=click.Choice(dhcp.FORMATS), help="DHCP server.  [default: dhcpbackend of the site]"
)
@pass_site
def command(
    site: Site, noderange: str | None, new: bool, everybody: bool, delete: bool, query: bool, backend: str | None
) -> int:
    """Write what DHCP is to know of networks and nodes.

    nodeset does this for its nodes. Files for kea and isc are written to the
    directory dhcp of the site, or to dhcpdir; nodes are in files of their own,
    which the configuration includes, one line for each.

    \b
    Examples:
      sb makedhcp -n --format kea
      sb makedhcp -a
      sb makedhcp compute
      sb makedhcp -q n7
    """
    _check(noderange, new=new, everybody=everybody, changes=delete or query, both=delete and query)
    chosen = backend or dhcp.backend_of(site)
    if new:
        click.echo(f"written: {_configure(site, chosen)}")
        click.echo(f"  {_APPLY[chosen]}")
    if query:
        return _show(site, chosen, noderange, everybody)
    if delete:
        names = list(dhcp.known(site, chosen)) if everybody else site.noderange(noderange or "")
        dhcp.remove(site, chosen, names)
        return 0
    return _add(site, chosen, noderange, everybody)


def _check(noderange: str | None, *, new: bool, everybody: bool, changes: bool, both: bool) -> None:
    if both or (new and changes):
        raise click.UsageError("-n, -d and -q are alternatives")
    if noderange is not None and everybody:
        raise click.UsageError("either a noderange or -a")
    if noderange is None and not (new or everybody):
        raise click.UsageError("which nodes? Name a noderange, -a for all, or -n for the networks alone")


def _configure(site: Site, backend: str) -> str:
    if backend != dhcp.DNSMASQ:
        return str(dhcp.makedhcp_for(site, backend, _address_of))
    interfaces = {name: address_of(name) for name in dhcp_interfaces(site)}
    if not interfaces:
        raise DefinitionError(
            "no interface to serve DHCP on", hint="sb chdef -t site dhcpinterfaces=eth1, or --format kea or isc"
        )
    path = dhcp.makedhcp(site, interfaces, ipv6=with_ipv6(interfaces))
    for line in dhcp.roles(site, interfaces):
        click.echo(line)
    return str(path)


def _address_of(interface: str) -> str:
    try:
        return address_of(interface) if interface else ""
    except ServiceError:
        return ""


def _add(site: Site, backend: str, noderange: str | None, everybody: bool) -> int:
    names = list(site.nodes) if everybody else site.noderange(noderange) if noderange else []
    if not names:
        return 0
    found = site.nodes.many(names)
    errors = dhcp.add(site, backend, found.values())
    for error in errors.values():
        click.echo(f"Error: {error}", err=True)
    without = [name for name, node in found.items() if not node.peek("mac")] if not everybody else []
    for name in without:
        click.echo(f"Error: {name}: Unable to find a mac address\n  sb chdef {name} mac=52:54:00:12:34:56", err=True)
    return int(bool(errors or without))


def _show(site: Site, backend: str, noderange: str | None, everybody: bool) -> int:
    known = dhcp.known(site, backend)
    status = 0
    for name in sorted(known) if everybody else site.noderange(noderange or ""):
        if one := known.get(name):
            address = f"ip-address = {one.ip}, " if one.ip else ""
            click.echo(f"{name}: {address}hardware-address = {one.mac}")
        else:
            click.echo(f"Error: {name}: DHCP does not know it\n  sb makedhcp {name}", err=True)
            status = 1
    return status
