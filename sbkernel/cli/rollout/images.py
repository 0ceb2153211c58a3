"""sb images: list the packed images, or the versions of one image."""

from __future__ import annotations

import json

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.records.why import why
from sbkernel.rollout.versions import images as listing
from sbkernel.site import Site


@click.command("images")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="How to print.")  # fmt: skip
@click.option("--why", "show_why", is_flag=True,
              help="Show how a version came to be: who made it, with what, from which lists, the record.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.argument("image", required=False)
@pass_site
def command(site: Site, form: str, show_why: bool, as_json: bool, image: str | None) -> None:
    """List the packed images with their pointers, or all versions of IMAGE.

    With --why, IMAGE may be IMAGE@VERSION: a digest or its beginning, previous, candidate or a day (YYYY-MM-DD).

    \b
      current    the version that nodes boot after nodeset
      candidate  the version that was packed last
      previous   the version that sb rollback goes to

    TESTED says how the last test boot went (sb testboot).

    BOOT IT lists the nodes that will boot a version, REPORTED IT those that ran it after their last boot. JSON has the
    whole digests, times in seconds since the epoch, and sizes in bytes.

    \b
    Examples:
      sb images
      sb images mycomputeimage
      sb images mycomputeimage --format json
      sb images mycomputeimage@3f2a9c1d --why
    """
    as_json = as_json or form == "json"
    if show_why:
        if not image:
            raise click.UsageError("--why needs an IMAGE")
        told = why(site, image)
        if give(lambda: told):
            return
        click.echo(json.dumps(told.as_dict(), indent=2) if as_json else str(told))
        return
    found = listing.versions(site, image) if image else listing.images(site)
    if give(lambda: found.df):
        return
    click.echo(json.dumps([row.as_dict() for row in found.rows], indent=2) if as_json else str(found))
