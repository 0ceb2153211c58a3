"""xCAT's xdcp: copy files to many nodes at once, or from them."""

from __future__ import annotations

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
from sbkernel.nodes.remote.syncfiles import syncfiles
from sbkernel.nodes.remote.xdcp import xdcp_each
from sbkernel.site import Site


@click.command(cls=NoderangeFirst)
@nodes_option
@click.option("-F", "--File", "synclist", type=click.Path(path_type=Path), metavar="SYNCLIST",
              help="Send the files of this synclist, as updatenode -F does; it takes no paths.")  # fmt: skip
@click.option("-R", "--recursive", is_flag=True, help="Copy directories with all that is in them.")
@click.option("-P", "--pull", is_flag=True, help="Copy one file of each node to the directory TARGET here.")
@click.option("-p", "--preserve", is_flag=True, help="Keep modes and times.")
@reaching_options
@silent_option
@heard("-B", "--bypass", "-L", "--no-locale", "-T", "--trace")
@without("-i", "--rootimg", why="packimage lays the files of synclists into an image")
@without("-s", why="there are no service nodes that keep copies of files")
@click.argument("paths", nargs=-1, metavar="[SOURCE... TARGET]", type=click.UNPROCESSED)
@pass_site
def command(
    site: Site,
    noderange: str,
    synclist: Path | None,
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
      sb xdcp compute -F ./synclist
    """
    if synclist:
        if paths or pull or recursive or user != "root":
            raise click.UsageError("-F takes no paths, and none of -P, -R and -l")
        sent = syncfiles(site, noderange, lists=[synclist], fanout=fanout, timeout_s=timeout_s, verify=verify)
        return print_outcomes(sent.values(), silent=silent)
    if len(paths) < 2:
        raise click.UsageError("a source and a target are needed")
    *sources, target = paths
    events = xdcp_each(
        site, noderange, sources, target, pull=pull, recursive=recursive, preserve=preserve, user=user, fanout=fanout,
        timeout_s=timeout_s, verify=verify,
    )  # fmt: skip
    return print_outcomes(events, silent=silent)
