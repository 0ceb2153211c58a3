"""sb promote: choose the version of an image that nodes boot."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.rollout.versions import promote
from sbkernel.site import Site


@click.command("promote")
@click.option("--untested", default="", metavar="REASON", help="Promote what has no good test boot; this is kept.")
@click.argument("image", metavar="IMAGE[@VERSION]")
@pass_site
def command(site: Site, untested: str, image: str) -> None:
    """Let nodes boot the candidate of IMAGE, or another VERSION.

    VERSION is the beginning of a digest (4 digits or more), previous, candidate, or a day (YYYY-MM-DD). After a
    rollback, this also lets packimage change the current version again. Boot files change at the next nodeset.

    An osimage with gate=testboot takes only a version with a good test boot (sb testboot).

    \b
    Examples:
      sb promote mycomputeimage
      sb promote mycomputeimage@3f2a9c1d
      sb promote mycomputeimage --untested "the virtual nodes are down"
    """
    click.echo(str(promote.promote(site, image, untested=untested)))
