"""xCAT's rsetboot: set the device that nodes boot from next."""

from __future__ import annotations

import functools
from typing import Any

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
@click.option("--canary", type=click.IntRange(1), metavar="N", help="Set N nodes first, the rest if these say so.")
@click.option("--abort", metavar="SHARE|none", help="Stop when more of the last 50 fail.  [10% for over 50 nodes]")
@click.option("--override-hold", is_flag=True, help="Touch nodes, too, that somebody holds (sb hold).")
@pass_site
def command(site: Site, /, noderange: str, device: str, **options: Any) -> int:
    """Set the device that nodes boot from next, or show it with stat.

    Ctrl-C stops what was not sent yet. What was done is in sb history --power.

    \b
    Examples:
      sb rsetboot n1 net
      sb rsetboot compute net --canary 4
    """
    given = {key: value for key, value in options.items() if value not in (None, False)}
    note = functools.partial(click.echo, err=True)
    return print_results(verbs.rsetboot_each(site, noderange, device, on_note=note, origin=TERMINAL, **given))
