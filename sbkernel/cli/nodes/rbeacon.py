"""xCAT's rbeacon: switch the lights that show where nodes are."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import print_results
from sbkernel.nodes.rbeacon import BEACON_ACTIONS, check_beacon
from sbkernel.service import verbs
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("action", metavar="|".join(BEACON_ACTIONS))
@pass_site
def command(site: Site, noderange: str, action: str) -> int:
    """Switch the light at the front of nodes that shows where they are, or show whether it is on.

    \b
    Example:
      sb rbeacon n1 on
    """
    check_beacon(action)
    return print_results(verbs.hardware_each(site, "rbeacon", noderange, action))
