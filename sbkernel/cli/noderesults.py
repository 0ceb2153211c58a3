"""Print the results of a fan-out over nodes: one line for each node, failures on stderr."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence

import click

from sbkernel.definitions.ranges.fold import fold
from sbkernel.nodes.results import NodeResult

TERMINAL = "command line"
"""Where what is asked for here comes from, in the power log."""


def print_results(results: Iterable[NodeResult]) -> int:
    """Print each result when it comes, as xCAT does, and at the end each remedy for failures once.

    Nodes that it did not come to share a line. Return the exit status: 1 if a node failed, else 0.
    """
    failed, hints, untouched = False, dict[str, None](), dict[str, list[str]]()
    try:
        for result in results:
            failed |= not result.ok
            if result.ok:
                click.echo("\n".join(f"{result.node}: {line}" for line in result.text.split("\n")))
            elif result.untouched:
                untouched.setdefault(result.text, []).append(result.node)
            else:
                click.echo(f"{result.node}: [{_host()}]: Error: {result.text}", err=True)
                hints |= {result.hint: None} if result.hint else {}
    finally:
        for text, nodes in untouched.items():
            click.echo(f"{fold(nodes)}: [{_host()}]: Error: {text} ({_count(nodes)} not touched)", err=True)
        for hint in hints:
            click.echo(f"  {hint}", err=True)
    return int(failed)


def _count(nodes: Sequence[str]) -> str:
    return f"{len(nodes)} nodes" if len(nodes) > 1 else "1 node"


def _host() -> str:
    return socket.gethostname().partition(".")[0]
