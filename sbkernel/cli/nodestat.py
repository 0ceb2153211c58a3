"""sb nodestat: how far nodes have booted, or every stage with its time."""

from __future__ import annotations

import time

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.holds import holds
from sbkernel.netboot import bootlog
from sbkernel.netboot.timeline import StageRow, timeline
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.option("--timeline", "show_timeline", is_flag=True, help="Show every stage of the boot with its time.")
@pass_site
def command(site: Site, noderange: str, show_timeline: bool) -> None:
    """Show how far each node got when it last booted.

    \b
    Example:
      sb nodestat vn1 --timeline
    """
    nodes = site.noderange(noderange)
    held = holds(site.store, nodes)
    for node in nodes:
        rows = timeline(bootlog.read(site, node))
        if show_timeline:
            _show_timeline(node, rows)
        else:
            click.echo(f"{node}: {_last(rows)}" + (f"; {held[node]}" if node in held else ""))


def _last(rows: list[StageRow]) -> str:
    if not rows:
        return "no boot seen"
    row = rows[-1]
    detail = f" ({row.detail})" if row.stage == "failed" else ""
    since = "power-on" if rows[0].stage == "power-on" else rows[0].stage
    return f"{row.stage} {row.seconds:.1f} s after {since}, at {_clock(row.time)}{detail}"


def _show_timeline(node: str, rows: list[StageRow]) -> None:
    click.echo(f"{node}: " + (f"began {_clock(rows[0].time)}" if rows else "no boot seen"))
    for row in rows:
        click.echo(f"  {row.seconds:8.1f} s  {row.delta:+8.1f}  {row.stage:<10} {row.detail}".rstrip())


def _clock(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(epoch_s))
