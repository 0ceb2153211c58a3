"""xCAT's updatenode: bring running nodes up to date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.remote import (
    NoderangeFirst,
    fanout_option,
    heard,
    nodes_option,
    print_outcomes,
    timeout_option,
    without,
)
from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import DefinitionError
from sbkernel.nodes.remote.updatenode import Updated, updatenode_each
from sbkernel.site import Site

_ALL = "*"
_AIX = "it is about AIX"
_NO_SERVICE_NODES = "there are no service nodes that pass files on"


@click.command(cls=NoderangeFirst)
@nodes_option
@click.option("-S", "--sw", "software", is_flag=True, help="Install the packages of its lists, from its own sources.")
@click.option("-P", "--scripts", "scripts", is_flag=False, flag_value=_ALL, metavar="[SCRIPT,...]",
              help="Run these postscripts, or all of each node.")  # fmt: skip
@click.option("-F", "--sync", is_flag=True, help="Send the files of its synclists.")
@fanout_option("--fanout")
@timeout_option
@click.option("-n", "--noverify", is_flag=True, help="Do not ask first whether a node answers.")
@heard("-V", "--verbose")
@without("-f", "--snsync", why=_NO_SERVICE_NODES)
@without("-s", "--sn", why=_NO_SERVICE_NODES)
@without("-k", "--security", why="nodes get their keys from nodeset, each time they boot")
@without("-g", "--genmypost", why="nodeset writes what nodes run; updatenode -P takes what is defined now")
@without("-l", "--user", why="scripts and files need root, and root logs in with the key of the site")
@without("-A", "--updateallsw", why=_AIX)
@without("-c", "--cmdlineonly", why=_AIX)
@click.argument("words", nargs=-1, metavar="[SCRIPT,...]")
@pass_site
def command(
    site: Site,
    noderange: str,
    software: bool,
    scripts: str | None,
    sync: bool,
    fanout: int,
    timeout_s: float | None,
    noverify: bool,
    words: tuple[str, ...],
) -> int:
    """Bring running nodes up to date: packages (-S), postscripts (-P) and files
    (-F), in this order; all three without an option.

    On a stateless node every change is lost at its next boot, unless it is made
    in the image too. The exit status is 1 if a node failed, else 0.

    \b
    Examples:
      sb updatenode compute -F
      sb updatenode n1 -P 'mountall --now,tune'
      sb updatenode n1 tune
    """
    scripts = "" if scripts == _ALL and not words else scripts
    if words:
        scripts = _asked(scripts, words)
    kinds = {"software": software, "scripts": scripts is not None, "sync": sync}
    everything = not any(kinds.values())
    done: list[Updated] = []
    updates = updatenode_each(
        site, noderange, sync=sync, software=software, scripts=scripts, fanout=fanout, timeout_s=timeout_s,
        verify=not noverify,
    )  # fmt: skip
    if software or everything:
        click.echo(
            "Performing software maintenance operations. This could take a while, if there are packages to install."
        )
    failed = print_outcomes(_noted(updates, done))
    if software or everything:
        click.echo("Running of Software maintenance has completed.")
    if scripts is not None or everything:
        click.echo("Running of postscripts has completed.")
    if sync or everything:
        _say_synced(done)
    return int(failed > 0)


def _asked(scripts: str | None, words: tuple[str, ...]) -> str:
    if wrong := [word for word in words if "=" in word.partition(" ")[0]]:
        raise DefinitionError(f"{wrong[0]} is refused: {_AIX}")
    return ",".join((*([scripts] if scripts and scripts != _ALL else []), *words))


def _noted(updates: Iterable[Updated], done: list[Updated]) -> Iterator[Updated]:
    for one in updates:
        done.append(one)
        yield one


def _say_synced(done: list[Updated]) -> None:
    """Say it in xCAT's words."""
    good, bad = ([one.node for one in done if one.ok is ok] for ok in (True, False))
    if good:
        click.echo(f'File synchronization has completed for nodes: "{fold(good)}"')
    if bad:
        click.echo(f'File synchronization failed for nodes: "{fold(bad)}"', err=True)
