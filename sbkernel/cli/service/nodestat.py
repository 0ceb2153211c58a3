"""xCAT's nodestat: which nodes answer, and how far they have booted, or every stage with its time."""

from __future__ import annotations

import time

import click

from sbkernel.cli.answers import give
from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.remote import without
from sbkernel.netboot import bootlog
from sbkernel.netboot.timeline import StageRow, timeline
from sbkernel.service.nodestat import NodeState, nodestat
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.option("-p", "--powerstat", is_flag=True, help="Ask for the power of nodes that do not answer.")
@click.option("-u", "--updatedb", is_flag=True, help="Write status and appstatus of the nodes.")
@click.option("--timeline", "show_timeline", is_flag=True, help="Show every stage of the boot with its time.")
@without("-m", "--usemon", why="there is no table monsetting here that names services")
@pass_site
def command(site: Site, noderange: str, powerstat: bool, updatedb: bool, show_timeline: bool) -> None:
    """Show which nodes answer, and how far each got when it last booted.

    The first word is xCAT's: the services that answer (sshd, https, pbs, xend);
    ping if none does but the node; noping; nosuchhost.

    \b
    Examples:
      sb nodestat compute -p
      sb nodestat vn1 --timeline
    """
    if show_timeline:
        for node in site.noderange(noderange):
            _show_timeline(node, timeline(bootlog.read(site, node)))
        return
    found = nodestat(site, noderange, power=powerstat, update=updatedb)
    if give(found.frame):
        return
    for one in found.values():
        click.echo(f"{one.node}: {one.word} ({_boot(one)})")


def _boot(one: NodeState) -> str:
    if not one.stage:
        return "no boot seen"
    detail = f": {one.detail}" if one.detail else ""
    return f"{one.stage} {one.seconds:.1f} s after {one.since}, at {_clock(one.time)}{detail}"


def _show_timeline(node: str, rows: list[StageRow]) -> None:
    click.echo(f"{node}: " + (f"began {_clock(rows[0].time)}" if rows else "no boot seen"))
    for row in rows:
        click.echo(f"  {row.seconds:8.1f} s  {row.delta:+8.1f}  {row.stage:<10} {row.detail}".rstrip())


def _clock(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch_s))
