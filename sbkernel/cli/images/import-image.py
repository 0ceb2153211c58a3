"""sb import-image: take over an image that was exported elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sbkernel import units
from sbkernel.cli.common import no_stream, pass_site
from sbkernel.cli.follow import follow
from sbkernel.images.bundle.import_image import TARGET
from sbkernel.images.catalog.reference import short
from sbkernel.jobs import job as jobs
from sbkernel.site import Site


@click.command("import-image")
@click.option(
    "--as", "name", default="", metavar="NAME", help="Give the osimage another name; so its digest is another."
)
@click.option("--keep", is_flag=True, help="Where the osimage is defined already, take only the version.")
@click.option("--force", is_flag=True, help="Replace a definition and lists that differ; lists are kept as FILE.ORIG.")
@click.option("--promote", is_flag=True, help="Let nodes boot it; without this it is the candidate.")
@click.option("--unsigned", is_flag=True, help="Take what no key of `sb keys ls` has signed.")
@click.option("--allow-older", is_flag=True, help="Take a version that is older than one that is here.")
@click.argument("file", type=click.Path(path_type=Path))
@pass_site
def command(
    site: Site, name: str, keep: bool, force: bool, promote: bool, unsigned: bool, allow_older: bool, file: Path
) -> None:
    """Take over the image in FILE: its version as the candidate, its definition and its lists.

    Everything is checked before anything is seen. An osimage or a list that is here already and differs is an error,
    and so is a version that is older than one of the image that is here. What is here already is not copied again. A
    site that knows keys takes only what one of them has signed: version, definition and lists.

    \b
    FILE may be
      a bundle         of sb export-image
      an OCI archive   of sb export-image --format oci, also when skopeo or podman
                       has made it an oci-archive, docker-archive, oci or dir;
                       other containers have no kernel and no initrd
      a tgz of xCAT    of its imgexport; it is defined and unpacked where genimage
                       would build it, and packimage makes it a version

    `sb import` takes over definitions alone, of a whole site.

    \b
    Examples:
      sb import-image compute-3f2a9c1d.tar
      sb import-image --as compute-new --promote compute-3f2a9c1d.tar
    """
    no_stream(file)
    options: dict[str, Any] = {"name": name, "keep": keep, "force": force, "promote": promote}
    options |= {"unsigned": unsigned, "allow_older": allow_older}
    click.echo(said(follow(jobs.start(site, "import-image", TARGET, file=str(file.absolute()), **options))))


def said(done: dict[str, Any]) -> str:
    """Return the result of import-image as text."""
    lines = [*done["laid"], *(f"note: {remark}" for remark in done["remarks"])]
    if done["there"]:
        lines.append("It is here already.")
    if done["was"]:
        lines.append(f"digest before it got another name:{done['was']}")
    if not done["digest"]:
        return "\n".join([*lines, f"seconds:{done['seconds']:.1f}"])
    lines.append(f"digest:{done['digest']}")
    if done["current"] != done["digest"]:
        stays = f"nodes boot {short(done['current'])}" if done["current"] else "nothing was promoted yet"
        lines.append(f"This is the candidate: {stays}. sb promote {done['image']}")
    return "\n".join([*lines, f"size:{units.size(done['size'])}", f"seconds:{done['seconds']:.1f}"])
