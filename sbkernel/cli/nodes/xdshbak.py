"""xCAT's xdshbak: show what xdsh printed, node by node."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

from sbkernel.definitions.ranges.fold import fold

_RULE = "-" * 79


@click.command()
@click.option("-c", "collapse", is_flag=True, help="Show the same output of several nodes once.")
@click.option("-q", "quiet", is_flag=True, help="Show nothing that all nodes have in common; with -c.")
def command(collapse: bool, quiet: bool) -> None:
    """Show lines `node: text` of standard input below a heading for each node.

    \b
    Example:
      sb xdsh compute 'rpm -q kernel' | sb xdshbak -c
    """
    groups = list(_together(_by_node(sys.stdin), collapse))
    if quiet and collapse and len(groups) == 1:
        return
    for nodes, lines in groups:
        shown = fold(nodes) if collapse else nodes[0]
        click.echo(f"HOSTS {'-' * 73}\n{shown}\n{_RULE}")
        click.echo("".join(f"{line}\n" for line in lines))


def _by_node(lines: Iterable[str]) -> dict[str, list[str]]:
    """Return the lines of each node, in the order in which nodes come; a line without a node belongs to none."""
    found: dict[str, list[str]] = {}
    for line in lines:
        node, colon, text = line.rstrip("\n").partition(": ")
        if not colon and node.endswith(":"):
            node, colon = node[:-1], ":"
        found.setdefault(node if colon and " " not in node else "", []).append(text if colon else node)
    return found


def _together(found: dict[str, list[str]], collapse: bool) -> Iterator[tuple[list[str], list[str]]]:
    if not collapse:
        yield from (([node], lines) for node, lines in found.items())
        return
    alike: dict[tuple[str, ...], list[str]] = {}
    for node, lines in found.items():
        alike.setdefault(tuple(lines), []).append(node)
    yield from ((nodes, list(lines)) for lines, nodes in alike.items())
