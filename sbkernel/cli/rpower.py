"""xCAT's rpower: power nodes on or off, reset them, or show their state."""

from __future__ import annotations

import sys

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.noderesults import print_results
from sbkernel.nodes.rpower import POWER_ACTIONS
from sbkernel.service import verbs
from sbkernel.service.safety import needs_count
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("action", metavar="|".join(POWER_ACTIONS))
@click.option("--confirm", type=int, metavar="COUNT", help="Number of nodes; required to stop more than 8.")
@pass_site
def command(site: Site, noderange: str, action: str, confirm: int | None) -> int:
    """Power nodes on or off, reset them, or show their state, one line for each.

    \b
    on, off  switch the power on, or off at once
    softoff  ask the system to shut down
    reset    restart a node that is on
    boot     restart a node that is on, power on one that is off
    cycle    power off, then on
    nmi      send an interrupt, for a crash dump
    stat     show whether the power is on; also: state, status

    \b
    Examples:
      sb rpower vn1 boot
      sb rpower compute off --confirm 20
    """
    nodes = site.noderange(noderange)
    if confirm is None and needs_count(action, nodes) and sys.stdin.isatty():
        confirm = click.prompt(f"{action} stops {len(nodes)} nodes. Type their number to go on", type=int)
    # By name: what was asked about is what is sent, whatever becomes of a group while somebody types the count.
    return print_results(verbs.rpower_each(site, nodes, action, confirm))
