"""sb demo: the main job in one command."""

from __future__ import annotations

import shlex

import click

from sbkernel.cli.common import pass_site
from sbkernel.site import Site


@click.command()
@click.option("--image", default="mycomputeimage", show_default=True, help="Name of the image to define and build.")
@click.option("--node", default="vn1", show_default=True, help="Name of the virtual node that boots it.")
@click.option("--off", is_flag=True, help="At the end, power the node off and stop the service.")
@pass_site
def command(site: Site, image: str, node: str, off: bool) -> int:
    """Define an image, build it and boot it on a virtual node, with the notebooks define, build and boot.

    It takes about three minutes the first time; an unchanged image is not built again. The node keeps running unless
    --off is given.
    """
    from sbkernel.demo import DemoOutcome, demo, tidy

    click.echo(f"site {site.root}")
    outcome: DemoOutcome = demo(site, click.echo, image=image, node=node)
    if off:
        tidy(site, node)
    click.echo()
    click.echo(f"console    {outcome.prompt}")
    click.echo(f"published  {outcome.published}")
    click.echo(f"reported   {outcome.reported}  {'equal' if outcome.published == outcome.reported else 'DIFFERENT'}")
    for record in outcome.records:
        click.echo(f"record     {record.path_html}")
    click.echo(f"took       {outcome.seconds:.0f} s")
    if not off:
        click.echo(f"\n{node} is running. Next:")
        where = click.get_current_context().find_root().obj
        sb = f"sb --site {shlex.quote(where)}" if where else "sb"
        for verb in (f"rcons {node}", f"rpower {node} off", "lab", "service stop"):
            click.echo(f"  {sb} {verb}")
    return 0 if outcome.prompt and outcome.published == outcome.reported else 1
