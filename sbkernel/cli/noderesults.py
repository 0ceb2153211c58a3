"""Print the results of a fan-out over nodes: one line for each node, failures on stderr."""

from __future__ import annotations

import socket
from collections.abc import Iterable

import click

from sbkernel.nodes.results import NodeResult


def print_results(results: Iterable[NodeResult]) -> int:
    """Print each result when it comes, as xCAT does, and at the end each remedy for failures once.

    Return the exit status: 1 if a node failed, else 0.
    """
    failed, hints = False, dict[str, None]()
    for result in results:
        failed |= not result.ok
        if result.ok:
            click.echo(f"{result.node}: {result.text}")
        else:
            click.echo(f"{result.node}: [{_host()}]: Error: {result.text}", err=True)
            hints |= {result.hint: None} if result.hint else {}
    for hint in hints:
        click.echo(f"  {hint}", err=True)
    return int(failed)


def _host() -> str:
    return socket.gethostname().partition(".")[0]
