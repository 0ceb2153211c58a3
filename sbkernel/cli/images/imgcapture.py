"""sb imgcapture: make an image of a running node."""

from __future__ import annotations

from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.follow import follow
from sbkernel.errors import SbkernelError
from sbkernel.images.capture.captured import captured
from sbkernel.nodes.capture import order_capture, packages, plan_capture
from sbkernel.site import Site
from sbkernel.units import plain, shortened, size

_SHOWN = 10


@click.command("imgcapture")
@click.option("-t", "--type", "method", default="diskless", metavar="TYPE", help="diskless, which is the default.")
@click.option("-o", "--osimage", "image", required=True, metavar="OSIMAGE", help="The osimage that it becomes.")
@click.option("-p", "--profile", default="", metavar="PROFILE", help="Profile of the osimage.")
@click.option("-i", "--nic", "nodebootif", default="", metavar="NIC", help="Network interface that boots.")
@click.option("-n", "--netdrivers", default="", metavar="DRIVERS", help="Network drivers in the initrd.")
@click.option(
    "--mount",
    "mounts",
    multiple=True,
    metavar="DIR",
    help="Take the file system that is mounted there, too; repeat it.",
)
@click.option("--dry-run", is_flag=True, help="Look at the node and say what would be taken; take nothing.")
@click.option("-V", "--verbose", is_flag=True, help="Show the log, and all files that had changed.")
@click.argument("node")
@pass_site
def command(
    site: Site,
    /,
    node: str,
    method: str,
    image: str,
    mounts: tuple[str, ...],
    dry_run: bool,
    verbose: bool,
    **given: str,
) -> None:
    """Make OSIMAGE of the root of NODE as it is now, whether NODE runs from its disk or from memory.

    The files come over ssh and are unpacked here as they arrive; nothing is written on the node. What only that node
    should have stays there: host keys, name and machine-id, leases, logs, disks. So do file systems that are mounted on
    the root, and what the exlist names: PROFILE.imgcapture.exlist in the site's custom/netboot/DISTRO, or compute's, or
    ours. A missing OSIMAGE is made, as a clone of the one that the node boots. Then pack it as any other image. A later
    genimage replaces the tree only by --force.

    Programs of the tree, such as its shell, run here while it is made an image: capture no node that you do not trust.

    -i, -n and -p take the place of the osimage's values, and are stored in it. It is a job: Ctrl-C cancels it.

    \b
    Example:
      sb imgcapture n1 -t diskless -o tuned
      sb packimage tuned && sb nodeset n2 osimage=tuned
    """
    if method != "diskless":
        why = "sysclone copies disks with SystemImager" if method == "sysclone" else f"'{method}' is no type of capture"
        raise SbkernelError(f"{why}: only diskless images are made here", hint="-t diskless takes a disk's root, too")
    options: dict[str, Any] = {"mounts": list(mounts), **{key: value for key, value in given.items() if value}}
    if dry_run:
        click.echo(plan_capture(site, node, image, **options))
        return
    job = order_capture(site, node, image, **options)
    click.echo(f"Capturing image on {node}...")
    done = follow(job, log=verbose)
    for remark in done["remarks"]:
        click.echo(f"warning: {plain(remark)}", err=True)
    click.echo(summary(done))
    click.echo(_changes(site, image, whole=verbose))
    click.echo("Done.")


def summary(done: dict[str, Any]) -> str:
    """Return the result of imgcapture as text."""
    return "\n".join([
        f"{done['files']} files, {size(done['size'])}, {done['packages']} packages, kernel {done['kernelver']},"
        f" {done['seconds']:.1f} s",
        f"root tree: {done['rootimgdir']}/rootimg",
        f"next: sb packimage {done['image']}",
    ])  # fmt: skip


def _changes(site: Site, image: str, *, whole: bool) -> str:
    """Return what had changed on the node since it booted."""
    found = captured(site, image)
    if not found.of:
        return "It had booted no image of this site that is still there: there is nothing to compare with."
    differing = len(packages(site, image).rows)
    lines = [f"{one.change:<8} /{plain(one.path)}" for one in found.changes]
    counts = f"files and packages that differ from {found.of}: {len(lines)} and {differing}"
    return "\n".join([counts, *(f"  {line}" for line in (lines if whole else shortened(lines, _SHOWN)))])
