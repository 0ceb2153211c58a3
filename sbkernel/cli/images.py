"""sb images: list the packed images, or the versions of one image."""

from __future__ import annotations

import json

import click

from sbkernel.cli.common import pass_site
from sbkernel.rollout import images as listing
from sbkernel.site import Site


@click.command("images")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="How to print.")  # fmt: skip
@click.argument("image", required=False)
@pass_site
def command(site: Site, form: str, image: str | None) -> None:
    """List the packed images with their pointers, or all versions of IMAGE.

    \b
      current    the version that nodes boot after nodeset
      candidate  the version that was packed last
      previous   the version that sb rollback goes to

    BOOT IT lists the nodes that will boot a version, REPORTED IT those that ran it after their last boot. JSON has the
    whole digests, times in seconds since the epoch, and sizes in bytes.

    \b
    Examples:
      sb images
      sb images mycomputeimage
      sb images mycomputeimage --format json
    """
    found = listing.versions(site, image) if image else listing.images(site)
    click.echo(json.dumps([row.as_dict() for row in found.rows], indent=2) if form == "json" else str(found))
