"""sb simulate: nodes to practise on."""

from __future__ import annotations

import time
from collections import Counter

import click

from sbkernel.cli.common import pass_site
from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import ServiceError
from sbkernel.nodes.practice.state import GROUP, state
from sbkernel.nodes.practice.traits import STUCK, Traits
from sbkernel.nodes.simulate import simulate, simulated, stop
from sbkernel.service.client import Service
from sbkernel.site import Site
from sbkernel.units import read_share

_PATIENCE_S = 60.0
_LOOK_EVERY_S = 0.1


def _share(_context: click.Context, _option: click.Parameter, text: str) -> float:
    return read_share(text)


def _stuck(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for text in texts:
        stage, equals, share = text.partition("=")
        if stage not in STUCK or not equals:
            raise click.BadParameter(f"{text!r} is not STAGE=SHARE; stages: {' '.join(STUCK)}")
        found[stage] = read_share(share)
    return found


@click.command()
@click.argument("count", type=click.IntRange(1), required=False)
@click.option("--dead", metavar="SHARE", default="0%", callback=_share, help="BMCs that never answer.")
@click.option("--slow", metavar="SHARE", default="0%", callback=_share, help="BMCs that answer after a second.")
@click.option("--loss", metavar="SHARE", default="0%", callback=_share, help="Datagrams that vanish, of all BMCs.")
@click.option("--redfish", metavar="SHARE", default="0%", callback=_share, help="BMCs reached by Redfish, not IPMI.")
@click.option("--stuck", metavar="STAGE=SHARE", multiple=True, callback=_stuck, help="Boots that end before a stage.")
@click.option("--checksum", metavar="SHARE", default="0%", callback=_share, help="Boots whose image is damaged.")
@click.option("--panic", metavar="SHARE", default="0%", callback=_share, help="Boots whose kernel panics.")
@click.option("--speed", type=click.FloatRange(0.01, 1e6), default=1.0, show_default=True, metavar="N",
              help="Boot N times as fast as real machines.")  # fmt: skip
@click.option("--whole", is_flag=True, help="Fetch and sum whole images, not only their beginning.")
@click.option("--consoles/--no-consoles", default=True, help="Whether new nodes have a console; 4000 take a core.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Choose nodes and times by it.")
@click.option("--prefix", default="sim", show_default=True, help="How the names of the nodes begin.")
@click.option("--stop", "is_stop", is_flag=True, help="End all and remove their definitions.")
@pass_site
def command(
    site: Site, /, count: int | None, is_stop: bool, prefix: str, loss: float, speed: float, whole: bool, seed: int,
    stuck: dict[str, float], consoles: bool, redfish: float, **shares: float,
) -> None:  # fmt: skip
    """Simulate COUNT nodes to practise on: BMCs on the loopback, and machines that boot.

    They are nodes of this site, in the group simulated, with 40 in a rack;
    rpower, rcons, nodeset, nodestat and notebooks work on them. They fetch
    and report over HTTP as real nodes do, and write to their consoles. The
    service runs them in one process. Their number and their troubles can be
    changed at any time; no node that is not simulated is ever touched.
    Without COUNT, show what there is.

    \b
    Examples:
      sb simulate 1000 --dead 5% --slow 10% --loss 1%
      sb simulate 40 --speed 10 --stuck fetched=5% --panic 5%
      sb chdef sim0007 simulated=dead
      sb simulate --stop
    """
    if is_stop:
        if count is not None:
            raise click.UsageError("--stop ends all simulated nodes: it takes no COUNT")
        names = stop(site)
        click.echo(f"{len(names)} simulated nodes removed" if names else "no node is simulated, nothing to do")
        return
    if count is not None:
        common = Traits(loss=loss, speed=speed, whole=whole, seed=seed)
        done = simulate(site, count, {**shares, **stuck}, common, prefix=prefix, consoles=consoles, redfish=redfish)
        parts = {"made": done.made, "changed": done.changed, "removed": done.removed}
        said = ", ".join(f"{len(names)} {word}" for word, names in parts.items() if names)
        click.echo(said or "nothing to do")
        _await(site, count)
    _show(site)


def _await(site: Site, count: int) -> None:
    """Return when as many BMCs listen as there are simulated nodes."""
    Service(site).ensure()
    deadline = time.monotonic() + _PATIENCE_S
    while (said := state(site)).bmcs != count:
        if time.monotonic() > deadline:
            trouble = next(iter(said.troubles.values()), "see the log of the service")
            raise ServiceError(f"{said.bmcs} of {count} BMCs listen: {trouble}", hint="sb service status")
        time.sleep(_LOOK_EVERY_S)


def _show(site: Site) -> None:
    found = simulated(site)
    if not found:
        click.echo("no node is simulated; for example: sb simulate 100 --dead 5%")
        return
    listening = state(site).bmcs
    click.echo(f"{len(found)} nodes {fold(found)} in the group {GROUP}, {listening} BMCs listen")
    for text, number in Counter(found.values()).most_common():
        click.echo(f"  {number:6}  {text}")
