"""sb packimage: pack the root tree of an osimage and publish it."""

from __future__ import annotations

from typing import Any

import click

from sbkernel import __version__
from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import SbkernelError
from sbkernel.images.catalog.gates import gate_of
from sbkernel.images.catalog.reference import short
from sbkernel.images.pack.format import PackOptions
from sbkernel.images.pack.formats import FORMATS, format_for
from sbkernel.images.packimage import built_by_genimage, plan_packimage
from sbkernel.jobs import job as jobs
from sbkernel.site import Site


@click.command("packimage")
@click.option(
    "-m", "--method", default="squashfs", show_default=True, metavar="METHOD", help=f"One of {', '.join(FORMATS)}."
)
@click.option(
    "-c",
    "--compress",
    default="",
    metavar="METHOD",
    help="zstd (the default), xz or gzip; of squashfs also lz4, of cpio and tar also pigz; of erofs lz4 or lz4hc.",
)
@click.option(
    "--level", type=int, help="Level of compression; the defaults are zstd 3, xz 6, lz4hc 3, gzip 9 of squashfs else 6."
)
@click.option(
    "--block-size",
    metavar="SIZE",
    help="From 4K to 1M, of squashfs (128K) and erofs (64K); larger ones give a smaller file.",
)
@click.option(
    "--verity", is_flag=True, help="Let nodes check each block when it is read (dm-verity), instead of all before."
)
@click.option("--nosyncfiles", is_flag=True, help="Leave out the files and scripts of synclists.")
@click.option(
    "--layered", is_flag=True, help="Pack only what differs from the last version, as a layer over it, if little does."
)
@click.option("--flat", is_flag=True, help="Pack all of it in one piece, for layers to lie over later.")
@click.option("--dry-run", is_flag=True, help="Show the steps and which of them would run; pack nothing.")
@click.option("--force", is_flag=True, help="Pack even if nothing has changed.")
@click.option(
    "--plan", default="", metavar="DIGEST", help="Pack only if the plan is still the one that --dry-run showed."
)
@click.option("--any-plan", is_flag=True, help="With --plan: go on with another plan, and log what differs.")
@click.option("-o", "-p", "-a", "obsolete", hidden=True)
@click.option("-V", "--verbose", is_flag=True, help="Show what the programs wrote, too.")
@click.version_option(__version__, "-v", "--version", message=f"packimage - Version {__version__}")
@click.argument("image")
@pass_site
def command(
    site: Site,
    method: str,
    compress: str,
    level: int | None,
    block_size: str | None,
    verity: bool,
    nosyncfiles: bool,
    layered: bool,
    flat: bool,
    dry_run: bool,
    force: bool,
    plan: str,
    any_plan: bool,
    obsolete: str | None,
    verbose: bool,
    image: str,
) -> None:
    """Pack the root tree of IMAGE and publish it in the catalog as a new version.

    The files of its synclists are laid over the tree, which stays as it is; what is only for some nodes goes to
    them after they have booted (postscript syncfiles). What has not changed since it was packed is not packed again.
    Nodes boot the new version after `sb nodeset`.

    With --layered, a node mounts the roots of up to four versions over each other. Begin with it, or with --flat: what
    was packed without them lists no content to compare with.

    \b
    Example:
      sb genimage mine && sb packimage mine
      sb genimage mine && sb packimage mine --layered
    """
    if obsolete is not None:
        raise SbkernelError("-o, -p and -a options are obsoleted, please use 'packimage <osimage name>' instead.")
    packed = format_for(PackOptions(method, compress, level, block_size))
    built = built_by_genimage(site, image)
    options: dict[str, Any] = {
        "method": method,
        "compression": compress,
        "level": level,
        "block_size": block_size,
        "verity": verity,
        "nosyncfiles": nosyncfiles,
        "layered": layered,
        "flat": flat,
    }
    if dry_run:
        click.echo(plan_packimage(site, image, force=force, **options))
        return
    click.echo(f"Packing contents of {built.tree}")
    click.echo(f"archive method:{method}")
    if packed.unpacked:
        click.echo(f"compress method:{packed.described['compression']}")
    target = "sbkernel.images.packimage:packimage"
    options |= {"force": force, "any_plan": any_plan}
    job = jobs.start(site, "packimage", target, image=image, plan=plan, **options)
    done = follow(job, log=verbose)
    for warning in done["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    if kept := done["kept_for_boot"]:
        which = "" if nosyncfiles else f"; sb lint {image} says which"
        said = f"synclists: {kept} line{'s'[: kept > 1]} kept for boot: nodes ask for that after nodeset{which}"
        click.echo(said, err=True)
    if done["cached"]:
        click.echo("Nothing has changed since it was packed.")
    click.echo(f"digest:{done['digest']}")
    if done["current"] != done["digest"]:
        stays = f"it stays at {short(done['current'])}" if done["current"] else "nothing was promoted yet"
        then = f"sb testboot {image} --promote" if gate_of(site, image) else f"sb promote {image}"
        click.echo(f"This is the candidate, not what nodes boot: {stays}. {then}")
    if done["flat"] and not flat:
        click.echo(f"Packed flat: {done['flat']}.")
    over = "".join(f" over {size}" for size in reversed(done["roots"][:-1]))
    click.echo(f"size:{done['roots'][-1]}{over} bytes, {done['packages']} packages")
    click.echo(f"seconds:{done['seconds']:.1f}")
