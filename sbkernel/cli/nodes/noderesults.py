"""Print the results of a fan-out over nodes: one line for each node, failures on stderr."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence

import click

from sbkernel.cli.answers import frame, give, taken
from sbkernel.definitions.ranges.fold import fold
from sbkernel.nodes.results import NodeResult

TERMINAL = "command line"
"""Where what is asked for here comes from, in the power log."""


def print_results(results: Iterable[NodeResult]) -> int:
    """Print each result when it comes, as xCAT does, and at the end each remedy for failures once.

    Nodes that it did not come to share a line. Return the exit status: 1 if a node failed, else 0.
    """
    failed, hints, untouched = False, dict[str, None](), dict[str, list[str]]()
    answered: list[NodeResult] = []
    is_taken = taken.get() is not None
    try:
        for result in results:
            failed |= not result.ok
            answered.append(result)
            if result.ok and is_taken:
                continue
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
    give(lambda: frame(row for one in answered for row in _rows(one)))
    return int(failed)


def _rows(result: NodeResult) -> Iterator[dict[str, object]]:
    """Yield what is known of a node as rows: what it reports by name, or its text."""
    reported = getattr(result, "rows", ()) if result.ok else ()
    for row in reported or ({"text": result.text},):
        yield {"node": result.node, "ok": result.ok, **row}


def _count(nodes: Sequence[str]) -> str:
    return f"{len(nodes)} nodes" if len(nodes) > 1 else "1 node"


def _host() -> str:
    return socket.gethostname().partition(".")[0]
