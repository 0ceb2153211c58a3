"""sb export-image: write a version of an image as one file that another site imports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sbkernel import units
from sbkernel.cli.common import no_stream, pass_site
from sbkernel.cli.follow import follow
from sbkernel.images.bundle.export_image import BUNDLE, KINDS, TARGET, XCAT, default_file
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.jobs import job as jobs
from sbkernel.site import Site


@click.command("export-image")
@click.option(
    "--format", "kind", default=BUNDLE, show_default=True, type=click.Choice(KINDS), help="What FILE is to be."
)
@click.option("--xcat", is_flag=True, help="The same as --format xcat.")
@click.option("--with-environment", is_flag=True, help="Take the values of environvar along, which may be secret.")
@click.argument("image", metavar="IMAGE[@VERSION]")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_site
def command(site: Site, kind: str, xcat: bool, with_environment: bool, image: str, file: Path | None) -> None:
    """Write a packed version of IMAGE, its definition and its lists to FILE.

    What nodes boot now is written, or another VERSION: the beginning of a digest, candidate, previous, or a day. The
    definition is the one of now; passwords of mirrors, values of environvar and the files that synclists name are left
    out. Scripts and lists go as they are, and what looks like a password in them is said. A site with a key
    (sb keys make) signs all of it. The bytes of a bundle depend on the version, its definition, its lists and the key
    alone.

    \b
    FILE may be
      bundle   for sb import-image; a plain tar, as its files are packed already
      oci      an OCI archive for skopeo and podman; its first layer is the bundle
      xcat     a tgz that xCAT's imgimport reads

    `sb export` writes definitions alone, of the whole site.

    \b
    Examples:
      sb export-image compute
      sb export-image compute@3f2a9c1d /backup/compute.tar
      sb export-image compute --format oci compute.oci.tar
    """
    no_stream(file)
    kind = XCAT if xcat else kind
    target = file or Path(default_file(Catalog(site).find(image), kind))
    options = {"image": image, "file": str(target.absolute()), "kind": kind, "with_environment": with_environment}
    click.echo(said(follow(jobs.start(site, "export-image", TARGET, **options))))


def said(done: dict[str, Any]) -> str:
    """Return the result of export-image as text."""
    remarks = [f"note: {remark}" for remark in done["remarks"]]
    lines = [*remarks, f"digest:{done['digest']}", f"{done['file']}: {units.size(done['size'])}"]
    return "\n".join([*lines, f"seconds:{done['seconds']:.1f}"])
