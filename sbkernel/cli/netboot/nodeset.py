"""xCAT's nodeset: set what nodes boot next."""

from __future__ import annotations

import io
import tarfile

import click

from sbkernel.cli.common import pass_site
from sbkernel.netboot.bootplan import BootPlan
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("action", metavar="osimage[=IMAGE]|boottarget=NAME|boot|offline|stat", nargs=-1, required=True)
@click.option("-n", "--dry-run", is_flag=True, help="Print the files that would be written; change nothing.")
@click.option("--override-hold", is_flag=True, help="Set nodes, too, that somebody holds (sb hold).")
@pass_site
def command(site: Site, noderange: str, action: tuple[str, ...], dry_run: bool, override_hold: bool) -> int:
    """Set what nodes boot next, and print one line for each. No node is rebooted.

    \b
    osimage=IMAGE           boot the current version of this image
    osimage=IMAGE@DIGEST    boot that version: this pins the node
    osimage=IMAGE@previous  or @candidate or @YYYY-MM-DD: pins as well
    osimage                 boot what provmethod says: a pinned node stays
    boottarget=NAME         boot the kernel and initrd of that boottarget
    boot                    boot from the local disk
    offline                 boot nothing
    stat                    change nothing; show what the node boots next

    A pinned node has provmethod=IMAGE@DIGEST, until another osimage= is given.
    iPXE loads it, or GRUB for a node with netboot=grub2.

    \b
    Example:
      sb nodeset n[1-20] osimage=mine && sb rpower n[1-20] boot
      sb nodeset n7 osimage=mine@3f2a9c1d
    """
    if len(action) > 1:
        raise click.UsageError(f"only one action, not {' '.join(action)}; write osimage=IMAGE without a blank")
    result = nodeset(site, noderange, action[0], dry_run=dry_run, override_hold=override_hold)
    for plan in result.plans if dry_run else ():
        _show(plan)
    # At once: thousands of lines take as long one by one as their nodes do.
    click.echo("".join(f"{node}: {state}\n" for node, state in result.items()), nl=False)
    for error in result.errors.values():
        click.echo(f"Error: {error}", err=True)
    return 1 if result.errors else 0


def _show(plan: BootPlan) -> None:
    for name, content in plan.files.items():
        click.echo(f"==> boot/{name}")
        click.echo(_members(content) if name.endswith(".tar") else content.decode())


def _members(content: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return "".join(f"{member.mode:04o} {member.size:6} {member.name}\n" for member in tar)
