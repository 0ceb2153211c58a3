"""xCAT's reventlog: show or clear the event logs of nodes."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import print_results
from sbkernel.nodes.reventlog import count
from sbkernel.service import verbs
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("what", metavar="[COUNT|all|clear]", default="all")
@click.option("-s", "newest_first", is_flag=True, help="Newest first.")
@pass_site
def command(site: Site, noderange: str, what: str, newest_first: bool) -> int:
    """Show the newest entries of the event logs of nodes, or all, one line an entry; or empty the logs.

    \b
    Examples:
      sb reventlog compute 5 -s
      sb reventlog n1 clear
    """
    count(what)
    return print_results(verbs.hardware_each(site, "reventlog", noderange, what, newest_first=newest_first))
