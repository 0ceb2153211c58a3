"""xCAT's xdsh: run a command on many nodes at once."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.nodes.remote import (
    NoderangeFirst,
    heard,
    nodes_option,
    print_outcomes,
    reaching_options,
    silent_option,
    without,
)
from sbkernel.errors import DefinitionError
from sbkernel.nodes.remote.xdsh import xdsh_each
from sbkernel.site import Site


@click.command(cls=NoderangeFirst)
@nodes_option
@click.option("-e", "--execute", is_flag=True, help="COMMAND is a script of this host, and its arguments.")
@click.option("-E", "--environment", "environment", type=click.Path(path_type=Path), envvar="DSH_ENVIRONMENT",
              metavar="FILE", help="A file of this host with variables to set there first.")  # fmt: skip
@reaching_options
@click.option("-s", "--stream", is_flag=True, help="Print lines as they come, not node by node.")
@click.option("-z", "--exit-status", is_flag=True, help="Print the exit status of the command.")
@silent_option
@heard("-B", "--bypass", "-L", "--no-locale", "-m", "--monitor", "-T", "--trace")
@without("-K", "--ssh-setup", why="nodeset gives nodes the keys of the site; sb passwd adds those of admins")
@without("-i", "--rootimg", why="sb shell IMAGE runs commands in the tree of an image")
@without("-c", "--cleanup", why="there are no service nodes that keep copies of files")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@pass_site
def command(
    site: Site,
    noderange: str,
    execute: bool,
    environment: Path | None,
    fanout: int,
    timeout_s: float | None,
    verify: bool,
    user: str,
    stream: bool,
    exit_status: bool,
    silent: bool,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND on nodes, many at once, and print what it wrote as `node: text`.

    What a node writes is printed when its command has ended; -s prints it at
    once. The exit status is the number of nodes that failed. A node is believed
    only with the host key that it reported when it booted.

    \b
    Examples:
      sb xdsh compute uptime
      sb xdsh compute -t 10 'systemctl is-active chrony' | sb xdshbak -c
      sb xdsh n[1-8] -e ./repair.sh --all
    """
    script = Path(command[0]) if execute else None
    # As in xCAT: words become one line for the shell of the node, where quotes are needed once more.
    text = " ".join(command[1:] if execute else command)
    if execute and not command[0]:
        raise DefinitionError("-e needs a script", hint=f"sb xdsh {shlex.quote(noderange)} -e SCRIPT")
    events = xdsh_each(
        site, noderange, text, script=script, environment=environment, user=user, fanout=fanout, timeout_s=timeout_s,
        verify=verify, stream=stream,
    )  # fmt: skip
    return print_outcomes(events, silent=silent, show_status=exit_status)
