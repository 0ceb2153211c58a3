"""sb stuck: the nodes that are not well, where their boots stand, and why."""

from __future__ import annotations

import json

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.service.stuck import Stuck, stuck
from sbkernel.site import Site
from sbkernel.units import plain


@click.command("stuck")
@click.option("-v", "--verbose", is_flag=True, help="Show the lines that tell why, where they are, and what to do.")
@click.option("-a", "--all", "everything", is_flag=True, help="Show the nodes that are well, too.")
@click.option("-p", "--power", is_flag=True, help="Ask the BMCs of the nodes that do not go on whether they are on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: times in seconds, `since` from the epoch.")
@click.argument("noderange", default="")
@pass_site
def command(site: Site, verbose: bool, everything: bool, power: bool, as_json: bool, noderange: str) -> int:
    """List the nodes whose boot has failed or does not go on, and the most likely cause.

    Without a noderange, all nodes are looked at. How long a node stays at a stage is compared with earlier boots of
    its image on this site. The exit status is 1 if a node is stuck, has failed or lacks something; a node that is only
    slower than usual is listed, but does not count.

    \b
    Examples:
      sb stuck
      sb stuck compute -v
      sb stuck n7 --power
    """
    found = stuck(site, noderange, ask_power=power)
    if give(lambda: found):
        return int(found.wrong)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        _print(found, everything, verbose)
    return int(found.wrong)


def _print(found: Stuck, everything: bool, verbose: bool) -> None:
    """Print a line a node; without the details, each remedy once at the end."""
    shown = found.nodes if everything else found.not_well
    for one in shown:
        click.echo(plain(str(one)))
        for line in (*map(str, one.evidence), *([f"do: {one.do}"] if one.do else [])) if verbose else ():
            click.echo(f"  {plain(line)}")
    if not verbose:
        for remedy in dict.fromkeys(one.do.replace(one.node, "NODE") for one in shown if one.do):
            click.echo(f"  do: {plain(remedy)}", err=True)
    if not shown:
        click.echo(f"nothing is stuck: {found.summary or 'no nodes'}", err=True)
