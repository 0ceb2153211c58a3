"""sb copycds: copy discs, or name a mirror, and define images that build from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sbkernel import units
from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.images.copycds import Copying, order_copycds, plan_copycds
from sbkernel.images.media.mirrors import is_mirror
from sbkernel.images.media.opening import identify
from sbkernel.lists.diagnostic import shown
from sbkernel.site import Site


@click.command("copycds")
@click.option("-n", "--name", default="", metavar="OSVERS", help="What it is, where a disc does not say: rocky9.4.")
@click.option("-a", "--arch", default="", metavar="OSARCH", help="Its architecture, such as x86_64.")
@click.option(
    "-p", "--path", default="", metavar="DIRECTORY", help="Copy there. Default: <installdir>/<osvers>/<osarch>."
)
@click.option("-i", "--inspection", "inspect", is_flag=True, help="Say what the discs are, and copy nothing.")
@click.option("-o", "--noosimage", is_flag=True, help="Define no osimages.")
@click.option("-w", "--nonoverwrite", is_flag=True, help="Refuse a disc that is there already.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be copied where, and copy nothing.")
@click.argument("sources", nargs=-1, required=True)
@pass_site
def command(
    site: Site,
    name: str,
    arch: str,
    path: str,
    inspect: bool,
    noosimage: bool,
    nonoverwrite: bool,
    dry_run: bool,
    sources: tuple[str, ...],
) -> None:
    """Copy discs of a distribution and define osimages that build from them.

    SOURCES are ISO images, drives, or directories where discs are mounted. Several discs of one distribution become one
    tree. Nothing is mounted, and root is not needed. What is there already is compared, and copied again only where it
    differs; a copy that was killed goes on. An osimage that exists is not changed.

    Instead of discs, SOURCES can be addresses of mirrors as pkgdir has them, or the word host for the package sources
    of this host. Nothing is copied then, and -n says what they have.

    \b
    Examples:
      sb copycds -i Rocky-9.4-x86_64-dvd.iso
      sb copycds Rocky-9.4-x86_64-dvd.iso
      sb copycds debian-12-DVD-1.iso debian-12-DVD-2.iso
      sb copycds -n debian13 http://HOST/debian
      sb copycds -n debian12 host
      sb copycds -n rocky9.4 'https://HOST/BaseOS gpgkey=/etc/rocky.key' \\
                             'https://HOST/AppStream gpgkey=/etc/rocky.key'
    """
    mirror = any(map(is_mirror, sources))
    if inspect and not mirror:
        for source in sources:
            _inspect(source, name, arch)
        return
    if not mirror:
        plan = plan_copycds(site, sources, name=name, arch=arch, path=path, overwrite=not nonoverwrite)
        for one in plan:
            click.echo(f"Copying media to {one.place}")
        if dry_run:
            click.echo("\n".join(map(_planned, plan)))
            return
    options: dict[str, Any] = {"name": name, "arch": arch, "path": path}
    options |= {"define_images": not noosimage and not inspect and not dry_run, "overwrite": not nonoverwrite}
    done = follow(order_copycds(site, sources, **options))
    if done["copied"]:
        click.echo("Media copy operation successful")
    click.echo(summary(done))


def _inspect(source: str, name: str, arch: str) -> None:
    disc = identify(Path(source), name, arch).disc
    lines = (f"OS Image:{source}", f"DISTNAME:{disc.osvers}", f"ARCH:{disc.osarch}", f"DISCNO:{disc.number}")
    click.echo("\n".join(lines))


def _planned(one: Copying) -> str:
    files = one.found.medium.files
    return f"{one.found.medium.source}: {len(files)} files, {units.size(sum(files.values()))}"


def summary(done: dict[str, Any]) -> str:
    """Return the result of copycds as text."""
    lines = []
    for one in done["copied"]:
        there = f", {one['there']} were there already" if one["there"] else ""
        lines.append(f"{one['place']}: {one['written']} files copied, {units.size(one['written_bytes'])}{there}")
        if one["left_out"]:
            lines.append(f"  left out, because they lead out of the disc: {', '.join(map(shown, one['left_out']))}")
        lines += [f"  {remark}" for remark in one["remarks"]]
    lines += done["remarks"]
    lines += [f"osimage {name} is there already, and was not changed" for name in done["kept"]]
    lines += [f"defined osimage {name}" for name in done["made"]]
    if names := [*done["made"], *done["kept"]]:
        lines.append(f"to build it: sb genimage {names[0]}")
    return "\n".join(lines) or "the package sources can be read"
