"""sb hold: say that nobody shall touch nodes, and why; or list what is held."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.holds import CROSS, hold, holds
from sbkernel.definitions.ranges.fold import fold
from sbkernel.site import Site


@click.command()
@click.argument("noderange", required=False)
@click.option("--reason", metavar="TEXT", help="Why; whoever is refused reads it.")
@click.option("--list", "show", is_flag=True, help="List who holds which nodes and why: all, or those of NODERANGE.")
@click.option("--force", is_flag=True, help="Take over what somebody else holds.")
@pass_site
def command(site: Site, noderange: str | None, reason: str | None, show: bool, force: bool) -> None:
    """Hold nodes: let nobody power them or change what they boot, until sb release.

    rpower (but for stat), rsetboot and nodeset leave such a node as it is and
    say who holds it; --override-hold crosses it once. sb history shows
    who held and released a node, sb lsdef and sb nodestat show who holds it.

    \b
    Examples:
      sb hold n7 --reason "waits for a new DIMM"
      sb hold --list
    """
    if show:
        if reason is not None or force:
            raise click.UsageError("--list changes nothing: it goes with neither --reason nor --force")
        _list(site, noderange)
        return
    if not noderange or reason is None:
        raise click.UsageError("which nodes, and why? sb hold NODERANGE --reason TEXT, or sb hold --list")
    names = site.noderange(noderange, excluded=True)
    hold(site.store, names, reason, force=force)
    count = f"{len(names)} nodes" if len(names) > 1 else names[0]
    click.echo(f"{count}: {holds(site.store, names[:1])[names[0]]}")


def _list(site: Site, noderange: str | None) -> None:
    names = site.noderange(noderange, excluded=True) if noderange else list(site.nodes)
    alike: dict[str, list[str]] = {}
    for name, held in holds(site.store, names).items():
        alike.setdefault(str(held), []).append(name)
    for text, nodes in alike.items():
        click.echo(f"{fold(nodes)}: {text}")
    if not alike:
        click.echo(f"no node is held ({CROSS} of rpower, rsetboot and nodeset has nothing to cross)")
