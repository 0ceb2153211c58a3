"""xCAT's xdcp: copy files to many nodes at once, or from them."""

from __future__ import annotations

import click

from sbkernel.cli.common import pass_site
from sbkernel.cli.remote import (
    NoderangeFirst,
    fanout_option,
    heard,
    nodes_option,
    print_outcomes,
    silent_option,
    timeout_option,
    user_option,
    verify_option,
    without,
)
from sbkernel.nodes.remote.xdcp import xdcp_each
from sbkernel.site import Site


@click.command(cls=NoderangeFirst)
@nodes_option
@click.option("-R", "--recursive", is_flag=True, help="Copy directories with all that is in them.")
@click.option("-P", "--pull", is_flag=True, help="Copy one file of each node to the directory TARGET here.")
@click.option("-p", "--preserve", is_flag=True, help="Keep modes and times.")
@fanout_option("-f", "--fanout")
@timeout_option
@verify_option
@user_option
@silent_option
@heard("-B", "--bypass", "-L", "--no-locale", "-T", "--trace")
@without("-i", "--rootimg", why="packimage lays the files of synclists into an image")
@without("-s", why="there are no service nodes that keep copies of files")
@click.argument("paths", nargs=-1, required=True, metavar="SOURCE... TARGET", type=click.UNPROCESSED)
@pass_site
def command(
    site: Site,
    noderange: str,
    recursive: bool,
    pull: bool,
    preserve: bool,
    fanout: int,
    timeout_s: float | None,
    verify: bool,
    user: str,
    silent: bool,
    paths: tuple[str, ...],
) -> int:
    """Copy files of this host to nodes, many at once; all paths are full ones.

    Several sources need a directory as TARGET. With -P, the file of node n1 is
    called NAME._n1 here. The exit status is the number of nodes that failed.

    \b
    Examples:
      sb xdcp compute /etc/motd /etc/motd
      sb xdcp compute -P /etc/fstab /tmp/fstabs
    """
    *sources, target = paths
    events = xdcp_each(
        site, noderange, sources, target, pull=pull, recursive=recursive, preserve=preserve, user=user, fanout=fanout,
        timeout_s=timeout_s, verify=verify,
    )  # fmt: skip
    return print_outcomes(events, silent=silent)
