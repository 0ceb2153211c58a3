"""sb imgimport: import-image with xCAT's words."""

from __future__ import annotations

from pathlib import Path

import click

from sbkernel.cli.common import no_stream, pass_site
from sbkernel.cli.follow import follow
from sbkernel.cli.images.imgexport import BY_HAND
from sbkernel.errors import SbkernelError
from sbkernel.images.bundle.import_image import TARGET
from sbkernel.jobs import job as jobs
from sbkernel.site import Site


@click.command("imgimport")
@click.option(
    "-p", "--postscripts", "nodes", default="", metavar="NODERANGE", help="Give the bundle's postscripts to nodes."
)
@click.option(
    "-f", "--profile", default="", metavar="PROFILE", help="Import it under another profile, thus another name."
)
@click.option("--unsigned", is_flag=True, help="Take it although this site knows keys: xCAT signs no bundles.")
@click.option("-R", "--remotehost", hidden=True)
@click.option("-v", "--verbose", is_flag=True, hidden=True)
@click.argument("bundle", type=click.Path(path_type=Path))
@pass_site
def command(
    site: Site,
    nodes: str,
    profile: str,
    unsigned: bool,
    remotehost: str | None,
    verbose: bool,  # noqa: ARG001 - xCAT's scripts give it
    bundle: Path,
) -> None:
    """Take over an image from a bundle of xCAT's imgexport, or of sb export-image.

    Its osimage is defined, its lists are laid below install/custom, and its root is unpacked where genimage would build
    it, with an initrd of ours; then `sb packimage` publishes it. What is here already and differs is an error.

    \b
    Example:
      sb imgimport compute.tgz -f new
      sb packimage rocky9.4-x86_64-netboot-new
    """
    no_stream(bundle)
    if remotehost:
        raise SbkernelError("-R is not known here", hint=BY_HAND)
    click.echo("Unbundling image...")
    options = {
        "file": str(bundle.absolute()), "profile": profile, "nodes": nodes, "as_packed": True, "unsigned": unsigned,
    }  # fmt: skip
    done = follow(jobs.start(site, "imgimport", TARGET, **options))
    for line in done["laid"]:
        click.echo(line)
    for remark in done["remarks"]:
        click.echo(f"note: {remark}", err=True)
    click.echo(f"Successfully imported the image {done['image']}.")
