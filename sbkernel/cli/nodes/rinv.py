"""xCAT's rinv: show what nodes are made of."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import print_results
from sbkernel.nodes.rinv import check_inventory
from sbkernel.service import verbs
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("what", default="all")
@pass_site
def command(site: Site, noderange: str, what: str) -> int:
    """Show what nodes are made of, as their BMCs know it, one line an item.

    \b
    all       everything (the default)
    model     maker, model and part numbers
    serial    serial numbers
    asset     asset tags
    mprom     firmware of the BMC
    deviceid  numbers of the BMC, its maker and its product
    vpd       model, serial, deviceid and mprom
    guid      UUIDs; also: uuid
    firm      firmware of the BMC and the machine; bios: of the machine
    mac       MAC addresses
    config    processors and memory
    dimm      memory modules

    \b
    Example:
      sb rinv compute serial
    """
    check_inventory(what)
    return print_results(verbs.hardware_each(site, "rinv", noderange, what))
