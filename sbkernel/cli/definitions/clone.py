"""sb clone: copy an osimage with its lists."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.clone import LISTS
from sbkernel.site import Site


@click.command("clone")
@click.argument("source")
@click.argument("name")
@pass_site
def command(site: Site, source: str, name: str) -> None:
    """Copy the osimage SOURCE as NAME, with its own rootimgdir and its own copies of the list files.

    SOURCE and its files stay as they are. The copies lie in install/custom/netboot of the site, where you edit them.

    \b
    Example:
      sb clone debian12-x86_64-netboot-compute mine
    """
    made = site.clone(source, name)
    click.echo(f"osimage {name} made from {source}")
    click.echo(f"    rootimgdir={made.get('rootimgdir')}")
    for attribute in (one for one in LISTS if made.get(one)):
        click.echo(f"    {attribute}={made.get(attribute)}")
