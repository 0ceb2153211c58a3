"""sb sbom: write the software bill of materials of an image."""

from __future__ import annotations

from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.errors import SbkernelError
from sbkernel.files import write_whole
from sbkernel.nodes import contents
from sbkernel.packages.sbom.sbom import CYCLONEDX, FORMATS, sbom
from sbkernel.site import Site


@click.command("sbom")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default=CYCLONEDX, show_default=True, help="The standard to follow."
)
@click.option("-o", "output", type=click.Path(path_type=Path, dir_okay=False), help="File to write. Default: stdout.")
@click.argument("image")
@pass_site
def command(site: Site, form: str, output: Path | None, image: str) -> None:
    """Write the software bill of materials of IMAGE as JSON.

    IMAGE may also be IMAGE@VERSION, where VERSION is the beginning of a digest, previous, candidate, a day (YYYY-MM-DD)
    or built; a running node; or the path of a manifest, a packed image or a root tree. The same image gives the same
    bytes every time.

    \b
    Example:
      sb sbom mine -o mine.cdx.json
    """
    manifest = contents.of(site, image)
    for warning in manifest.warnings:
        click.echo(f"Warning: {warning}", err=True)
    text = sbom(manifest, form)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        write_whole(output, text)
    except OSError as error:
        raise SbkernelError(f"{output} cannot be written: {error.strerror}") from None
    click.echo(f"{len(manifest)} packages, {output}", err=True)
