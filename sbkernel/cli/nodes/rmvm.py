"""sb rmvm: remove virtual nodes."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.nodes.mkvm import rmvm
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@pass_site
def command(site: Site, noderange: str) -> None:
    """Power virtual nodes off and remove their definitions. Other nodes are refused."""
    for name in site.noderange(noderange):
        disk = rmvm(site, name)
        click.echo(f"{name}: removed" + (f"; its disk stays: {disk}" if disk else ""))
