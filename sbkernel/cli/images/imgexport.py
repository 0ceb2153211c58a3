"""sb imgexport: export-image with xCAT's words, into a bundle of xCAT."""

from __future__ import annotations

from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import SbkernelError
from sbkernel.images.bundle.export_image import TARGET, XCAT
from sbkernel.jobs import job as jobs
from sbkernel.site import Site

BY_HAND = "copy the bundle yourself, e.g. with scp"


@click.command("imgexport")
@click.option("-p", "--postscripts", "node", default="", metavar="NODE", help="Take the postscripts of NODE along.")
@click.option(
    "-e", "--extra", multiple=True, metavar="FILE:DIRECTORY", help="Take FILE along; it belongs in DIRECTORY."
)
@click.option("--with-environment", is_flag=True, help="Take the values of environvar along, which may be secret.")
@click.option("-R", "--remotehost", hidden=True)
@click.option("-v", "--verbose", is_flag=True, hidden=True)
@click.argument("image", metavar="IMAGE[@VERSION]")
@click.argument("destination", required=False, type=click.Path(path_type=Path))
@pass_site
def command(
    site: Site,
    node: str,
    extra: tuple[str, ...],
    with_environment: bool,
    remotehost: str | None,
    verbose: bool,  # noqa: ARG001 - xCAT's scripts give it
    image: str,
    destination: Path | None,
) -> None:
    """Write a packed version of IMAGE as a bundle that xCAT's imgimport reads.

    DESTINATION is a file or a directory; by default it is IMAGE.tgz here. It holds manifest.xml, the kernel, the
    initrd, the packed root (squashfs, or cpio and tar with gzip or xz), and the lists.

    \b
    Examples:
      sb imgexport compute
      sb imgexport compute /backup -e /etc/ntp.conf:/install/custom/ntp
    """
    if any(one.startswith(":") for one in extra):
        raise click.UsageError("-e takes FILE:DIRECTORY")
    if remotehost:
        raise SbkernelError("-R is not known here", hint=BY_HAND)
    name = f"{image.partition('@')[0]}.tgz"
    file = (destination / name if destination.is_dir() else destination) if destination else Path(name)
    click.echo(f"Exporting {image} to {file.absolute().parent}...")
    click.echo(f"Compressing {image} bundle.  Please be patient.")
    words = [str(Path(one).absolute()) for one in extra]
    options = {
        "image": image, "file": str(file.absolute()), "kind": XCAT, "extra": words, "node": node,
        "with_environment": with_environment,
    }  # fmt: skip
    done = follow(jobs.start(site, "imgexport", TARGET, **options))
    for remark in done["remarks"]:
        click.echo(f"note: {remark}", err=True)
    click.echo(done["file"])
    click.echo("Done!")
