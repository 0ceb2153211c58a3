"""sb rollback: go back to an earlier version of an image."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.rollout.versions import promote
from sbkernel.site import Site


@click.command("rollback")
@click.argument("image", metavar="IMAGE[@VERSION]")
@pass_site
def command(site: Site, image: str) -> None:
    """Let nodes boot the previous version of IMAGE, or an earlier VERSION, until `sb promote`.

    VERSION is the beginning of a digest (4 digits or more), or a day (YYYY-MM-DD). Until `sb promote`, packimage
    changes only the candidate. Boot files change at the next nodeset. A second rollback goes back one version more.

    \b
    Examples:
      sb rollback mycomputeimage
      sb rollback mycomputeimage@2026-11-20
      sb nodeset compute osimage=mycomputeimage
    """
    click.echo(str(promote.rollback(site, image)))
