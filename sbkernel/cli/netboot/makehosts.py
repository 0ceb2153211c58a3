"""xCAT's makehosts: write nodes into a hosts file."""

from __future__ import annotations

from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.remote import without
from sbkernel.netboot.makehosts import Form, makehosts
from sbkernel.site import Site


@click.command()
@click.argument("noderange", required=False)
@click.option("-n", "new", is_flag=True, help="Begin the file anew: the lines of others are lost.")
@click.option("-d", "delete", is_flag=True, help="Take the nodes out.")
@click.option("-l", "--longnamefirst", is_flag=True, help="Write the name with its domain first.")
@click.option("-o", "--othernamesfirst", is_flag=True, help="Write other names (hostnames) first.")
@click.option("-a", "--adddomaintohostnames", is_flag=True, help="Write other names with the domain, too.")
@click.option("--file", "path", type=click.Path(dir_okay=False, path_type=Path), default="/etc/hosts",
              show_default=True, metavar="PATH", help="The hosts file.")  # fmt: skip
@without("-m", "--mactolinklocal", why="nodes are reached under their ip")
@pass_site
def command(
    site: Site,
    noderange: str | None,
    new: bool,
    delete: bool,
    longnamefirst: bool,
    othernamesfirst: bool,
    adddomaintohostnames: bool,
    path: Path,
) -> None:
    """Write the addresses and names of nodes, else of all nodes, into /etc/hosts.

    The lines of others stay. The domain is that of the network, or of the site.
    What the file was before is kept as PATH.xcatbak.

    \b
    Examples:
      sb makehosts compute
      sb makehosts -n --file ./hosts
    """
    form = Form(longnamefirst, othernamesfirst, adddomaintohostnames)
    done = makehosts(site, path, noderange, new=new, delete=delete, form=form)
    for warning in done.warnings:
        click.echo(f"Warning: {warning}", err=True)
