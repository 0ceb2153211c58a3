"""xCAT's rpower: power nodes on or off, reset them, or show their state."""

from __future__ import annotations

import functools
import sys
from typing import Any

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.noderesults import TERMINAL, print_results
from sbkernel.nodes.rpower import POWER_ACTIONS, asks
from sbkernel.service import verbs
from sbkernel.site import Site


@click.command()
@click.argument("noderange")
@click.argument("action", metavar="|".join(POWER_ACTIONS))
@click.option("--confirm", type=int, metavar="COUNT", help="Number of nodes; required to stop more than 8.")
@click.option("--rate", metavar="N|none", help="Start N nodes a second, or all at once.")
@click.option("--canary", type=click.IntRange(1), metavar="N", help="Do N nodes first, the rest if they are well.")
@click.option("--until", metavar="STAGE", help="A canary is well when it has come so far: booted, fetched, login ...")
@click.option("--within", type=float, metavar="SECONDS", help="The time that a canary has.  [default: 900]")
@click.option("--abort", metavar="SHARE|none", help="Stop when more of the last 50 fail.  [10% for over 50 nodes]")
@click.option("--override-hold", is_flag=True, help="Touch nodes, too, that somebody holds (sb hold).")
@pass_site
def command(site: Site, /, noderange: str, action: str, confirm: int | None, **care: Any) -> int:
    """Power nodes on or off, reset them, or show their state, one line for each.

    \b
    on, off  switch the power on, or off at once
    softoff  ask the system to shut down
    reset    restart a node that is on
    boot     restart a node that is on, power on one that is off
    cycle    power off, then on
    nmi      send an interrupt, for a crash dump
    stat     show whether the power is on; also: state, status

    Nodes that start do so 8 of a rack at once, then 4 a second, at most 40 a
    second in all; the site attributes syspowermaxnodes, syspowerinterval and
    powerdomain change that. Ctrl-C stops what was not sent yet. What was done
    is in sb history --power.

    \b
    Examples:
      sb rpower vn1 boot
      sb rpower compute off --confirm 20
      sb rpower compute boot --confirm 400 --canary 4 --until booted
    """
    nodes = site.noderange(noderange)
    given = {key: value for key, value in care.items() if value not in (None, False)}
    if confirm is None and not asks(action) and sys.stdin.isatty():
        confirm = _typed(site, nodes, action, override_hold=care["override_hold"])
    note = functools.partial(click.echo, err=True)
    # By name: what was asked about is what is sent, whatever becomes of a group while somebody types the count.
    return print_results(
        verbs.rpower_each(site, nodes, action, confirm, on_note=note, asked=noderange, origin=TERMINAL, **given)
    )


def _typed(site: Site, nodes: list[str], action: str, *, override_hold: bool) -> int | None:
    """Return the number that somebody has typed to confirm an action that needs it; None: it does not."""
    # Whoever only asks starts in half the time without it.
    from sbkernel.service.power.safety import needs_count, touched

    free = touched(site.nodes.many(nodes), nodes, override_hold) if needs_count(action, nodes) else nodes
    if not needs_count(action, free):
        return None
    held = f" ({len(nodes) - len(free)} more are held)" if len(free) < len(nodes) else ""
    return int(click.prompt(f"{action} stops {len(free)} nodes{held}. Type their number to go on", type=int))
