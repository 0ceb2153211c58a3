"""xCAT's nodediscoverdef: make a node of a discovered machine, or take machines off the list."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.netboot.discovery import METHODS, chosen, discovered, find, forget
from sbkernel.netboot.nodediscoverdef import Adopted, nodediscoverdef
from sbkernel.site import Site


@click.command()
@click.option("-u", "uuid", metavar="UUID", help="The machine, by its UUID or MAC address.")
@click.option("-n", "node", metavar="NODE", help="The node that it becomes; of several the first that is free.")
@click.option("-r", "remove", is_flag=True, help="Take machines off the list.")
@click.option("-t", "method", type=click.Choice(METHODS), help="With -r: all of these.")
@click.option("--template", metavar="NAME", help="What a new node begins with; lsdef --template lists them.")
@click.argument("attributes", metavar="[ATTRIBUTE=VALUE]...", nargs=-1)
@pass_site
def command(
    site: Site,
    uuid: str | None,
    node: str | None,
    remove: bool,
    method: str | None,
    template: str | None,
    attributes: tuple[str, ...],
) -> int:
    """Make a node of a machine that nodediscoverls lists.

    The node gets the machine's MAC address, and is made if there is none. NODE
    may be a group, or names such as n[1-20]: the first without a MAC address is
    taken. With a provmethod it is set to boot, which it does when the machine
    asks next: nobody has to press a button.

    \b
    Examples:
      sb nodediscoverdef -u 4c4c4544-0051-3010-8052-b4c04f564233 -n n7
      sb nodediscoverdef -u 52:54:00:12:34:56 -n 'n[1-20]' groups=compute,all
      sb nodediscoverdef -r -t undef
    """
    if remove:
        return _remove(site, uuid, method, others=bool(node or template or attributes))
    if method is not None:
        raise click.UsageError("-t goes with -r")
    if uuid is None or node is None:
        raise click.UsageError("which machine, and which node? -u UUID -n NODE; nodediscoverls lists the machines")
    return _show(nodediscoverdef(site, uuid, node, dict(map(_pair, attributes)), template=template or ""))


def _remove(site: Site, uuid: str | None, method: str | None, *, others: bool) -> int:
    if others or (uuid is None) == (method is None):
        raise click.UsageError("-r takes either -u UUID or -t METHOD, and nothing else")
    forget(site, [find(site, uuid)] if uuid is not None else chosen(discovered(site), method or ""))
    click.echo("Removing discovery entries finished.")
    return 0


def _show(done: Adopted) -> int:
    click.echo(f"Defined [{done.machine.key}] to node {done.node}.")
    if done.state:
        click.echo(f"{done.node}: {done.state}")
    if done.problem is not None:
        click.echo(f"Warning: {done.problem}", err=True)
    return 0


def _pair(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals or not key:
        raise click.UsageError(f"{word!r} is not ATTRIBUTE=VALUE")
    return key, value
