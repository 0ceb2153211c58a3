"""sb release: end holds."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.holds import release
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.option("--force", is_flag=True, help="Release what somebody else holds, too.")
@pass_site
def command(site: Site, noderange: str, force: bool) -> None:
    """End holds of nodes, which sb hold has begun.

    \b
    Example:
      sb release n7
    """
    for name, held in release(site.store, site.noderange(noderange, excluded=True), force=force).items():
        click.echo(f"{name}: released, was {held}" if held else f"{name}: nobody holds it, nothing to do")
