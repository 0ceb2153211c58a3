"""xCAT's rvitals: show what the sensors of nodes say."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import print_results
from sbkernel.nodes.rvitals import check_vitals
from sbkernel.service import verbs
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("what", default="all")
@pass_site
def command(site: Site, noderange: str, what: str) -> int:
    """Show what the sensors of nodes say, one line a sensor.

    \b
    all       everything (the default)
    temp      temperatures; of some: cputemp, ambtemp, disktemp
    voltage   voltages
    wattage   what power supplies give and machines take
    fanspeed  fans
    power     whether the power is on
    leds      lights that show an error

    A BMC lists its sensors when it is asked for the first time, which takes some of them a minute.

    \b
    Example:
      sb rvitals compute temp
    """
    check_vitals(what)
    return print_results(verbs.hardware_each(site, "rvitals", noderange, what))
