"""sb rmimage: remove what genimage has built of an osimage."""

from __future__ import annotations

import sys

import click

from sbkernel.cli.common import pass_site
from sbkernel.images.rmimage import plan_rmimage, rmimage
from sbkernel.jobs.report import NullReport
from sbkernel.site import Site


class _Said(NullReport):
    def log(self, line: str) -> None:
        click.echo(line)


@click.command("rmimage")
@click.option("--xcatdef", is_flag=True, help="Remove the definition of the image, too.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be removed and what stays; remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask. Without a terminal it never asks, as in xCAT.")
@click.argument("image")
@pass_site
def command(site: Site, xcatdef: bool, dry_run: bool, yes: bool, image: str) -> int:
    """Remove the root tree, kernel and initrd of IMAGE from its rootimgdir.

    Versions that packimage has published stay, as nodes may boot them; `sb gc` removes those that nobody needs. Files
    that genimage did not make stay, too.

    \b
    Examples:
      sb rmimage --dry-run old
      sb rmimage --xcatdef old
    """
    removal = plan_rmimage(site, image, xcatdef=xcatdef)
    if dry_run:
        click.echo(removal)
        return 0
    if sys.stdin.isatty() and not yes:
        click.echo(removal)
        if not click.confirm("Go on?"):
            return 1
    done = rmimage(site, image, xcatdef=xcatdef, report=_Said())
    for line in done.kept:
        click.echo(f"Kept: {line}", err=True)
    removed = "Image files have been removed successfully from this management node."
    click.echo(removed if done.files else f"There are no image files in {done.directory}.")
    if xcatdef:
        click.echo(f"osimage definition for {image} is removed successfully.")
    return 0
