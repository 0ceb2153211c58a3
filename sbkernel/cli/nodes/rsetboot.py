"""xCAT's rsetboot: set the device that nodes boot from next."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import TERMINAL, print_results
from sbkernel.nodes.rsetboot import BOOT_ACTIONS
from sbkernel.service import verbs
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("device", metavar="|".join(BOOT_ACTIONS))
@click.option("-p", "persistent", is_flag=True, help="For every boot from now on. Default: for the next boot only.")
@click.option("-u", "uefi", is_flag=True, help="Boot in UEFI mode.")
@click.option("--override-hold", is_flag=True, help="Touch nodes, too, that somebody holds (sb hold).")
@pass_site
def command(site: Site, noderange: str, device: str, persistent: bool, uefi: bool, override_hold: bool) -> int:
    """Set the device that nodes boot from next, or show it with stat.

    \b
    Example:
      sb rsetboot n1 net
    """
    options = {"persistent": persistent, "uefi": uefi, "override_hold": override_hold}
    return print_results(verbs.rsetboot(site, noderange, device, origin=TERMINAL, **options))
