"""xCAT's nodediscoverls: list machines that asked how to boot and are no nodes."""

from __future__ import annotations

import time
from collections.abc import Iterable

import click

from sbkernel.cli.common import pass_site
from sbkernel.netboot.discovery import METHODS, Machine, chosen, discovered, find
from sbkernel.site import Site

_ROW = "{:<39} {:<19} {:<14} {:<19} {}"


@click.command()
@click.option("-t", "method", type=click.Choice(METHODS), default="all", show_default=True, help="Only these.")
@click.option("-u", "uuid", metavar="UUID", help="One machine, by its UUID or MAC address.")
@click.option("-l", "long", is_flag=True, help="All that is known of each.")
@pass_site
def command(site: Site, method: str, uuid: str | None, long: bool) -> None:
    """List machines that asked how to boot and were no nodes then.

    -t undef are those that are none yet, manual those that nodediscoverdef has
    made nodes of; seq, profile, switch and blade, which xCAT knows, find nothing.

    \b
    Example:
      sb nodediscoverls -t undef -l
    """
    machines = chosen([find(site, uuid)] if uuid is not None else discovered(site), method)
    click.echo("\n".join(_long(machines) if long else _table(machines)) or "No machine was discovered.")


def _table(machines: list[Machine]) -> Iterable[str]:
    if machines:
        yield _ROW.format("UUID", "NODE", "METHOD", "PRODUCT", "SERIAL").rstrip()
    for one in machines:
        yield _ROW.format(one.key, one.node or one.method, one.method, one.product[:19], one.serial).rstrip()


def _long(machines: list[Machine]) -> Iterable[str]:
    for one in machines:
        yield f"Object uuid: {one.key}"
        values = {
            "node": one.node or one.method,
            "method": one.method,
            "discoverytime": _clock(one.last),
            "firsttime": _clock(one.first),
            "times": str(one.times),
            "mac": one.mac,
            "ip": one.ip,
            "interface": one.interface,
            "firmware": one.firmware,
            "manufacturer": one.manufacturer,
            "product": one.product,
            "serial": one.serial,
        }
        yield from (f"    {key}={value}" for key, value in values.items() if value)


def _clock(epoch_s: float) -> str:
    return time.strftime("%m-%d-%Y %H:%M:%S", time.localtime(epoch_s))
