"""sb verify-image: say whether a version is as it was published, and who signed it."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.verifyimage import verify_image
from sbkernel.site import Site


@click.command("verify-image")
@click.argument("image", metavar="IMAGE[@VERSION]")
@pass_site
def command(site: Site, image: str) -> None:
    """Read a version of IMAGE whole: its digest, the sums of its files, its hash trees and its signature.

    It fails if anything is not as it was published, if a signature is wrong, or if it is missing although the nodes of
    this version ask for one. The keys that are believed are those of `sb keys ls`.

    \b
    Examples:
      sb verify-image mycomputeimage
      sb verify-image mycomputeimage@3f2a9c1d
    """
    for line in verify_image(site, Catalog(site).find(image)):
        click.echo(line)
