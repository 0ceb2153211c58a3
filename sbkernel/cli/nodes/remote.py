"""What xdsh, xdcp and updatenode share: how they read their words, and print what came of it on each node."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable

import click
from click.decorators import FC

from sbkernel.errors import DefinitionError
from sbkernel.nodes.remote.fanned import FANOUT, MOST_AT_ONCE
from sbkernel.nodes.remote.outcomes import Outcome, Said


class NoderangeFirst(click.Command):
    """A verb whose first word is a noderange; options follow, up to the next word: all from there on is not ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        ctx.allow_interspersed_args = False
        if not args:
            raise click.UsageError("Missing argument 'NODERANGE'.", ctx)
        if not args[0].startswith("-"):
            args = ["--nodes", *args]
        rest = super().parse_args(ctx, args)
        if not ctx.params["noderange"]:
            raise click.UsageError("Missing argument 'NODERANGE'; it comes first.", ctx)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words of the usage line."""
        options, *rest = super().collect_usage_pieces(ctx)
        return ["NODERANGE", options, *rest]


nodes_option = click.option("--nodes", "noderange", hidden=True)


def fanout_option(*names: str) -> Callable[[FC], FC]:
    """Return the option for how many nodes are served at once; its default is $DSH_FANOUT, as in xCAT."""
    return click.option(*names, "fanout", type=click.IntRange(1, MOST_AT_ONCE), envvar="DSH_FANOUT", default=FANOUT,
                        show_default=True, metavar="N", help="Serve so many nodes at once.")  # fmt: skip


timeout_option = click.option(
    "-t", "--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), envvar="DSH_TIMEOUT",
    metavar="SECONDS", help="Give up a node that writes nothing for so long.",
)  # fmt: skip
verify_option = click.option("-v", "--verify", is_flag=True, help="Ask first whether a node answers.")
user_option = click.option("-l", "--user", default="root", show_default=True, help="Log in as this user.")


def reaching_options(command: FC) -> FC:
    """Add the options of xdsh and xdcp for how nodes are reached, in this order."""
    for option in (user_option, verify_option, timeout_option, fanout_option("-f", "--fanout")):
        command = option(command)
    return command


silent_option = click.option("-Q", "--silent", is_flag=True, help="Print nothing of what nodes write.")


def heard(*names: str) -> Callable[[FC], FC]:
    """Return flags of xCAT that change nothing here."""
    return click.option(*names, is_flag=True, hidden=True, expose_value=False)


def without(*names: str, why: str) -> Callable[[FC], FC]:
    """Return an option of xCAT that is refused here, with the reason."""

    def refuse(_context: click.Context, option: click.Parameter, value: object) -> None:
        if value:
            raise DefinitionError(f"{option.opts[0]} is refused: {why}")

    return click.option(*names, is_flag=True, hidden=True, expose_value=False, callback=refuse)


def print_outcomes(events: Iterable[Said | Outcome], *, silent: bool = False, show_status: bool = False) -> int:
    """Print each line with its node before it, as xCAT does, and failures on stderr; the remedies come last.

    Return the exit status: how many nodes failed, at most 255 (xCAT counts them, too).
    """
    failed, hints = 0, dict[str, None]()
    for event in events:
        if isinstance(event, Said):
            if not silent:
                click.echo(f"{event.node}: {event.line}", err=event.error)
            continue
        failed += not event.ok
        _print(event, silent=silent, show_status=show_status)
        hints |= {event.hint: None} if event.hint else {}
    for hint in hints:
        click.echo(f"  {hint}", err=True)
    return min(failed, 255)


def _print(one: Outcome, *, silent: bool, show_status: bool) -> None:
    text = [] if silent or not one.output else [f"{one.node}: {line}" for line in one.output.split("\n")]
    if show_status and one.status is not None:
        text.append(f"{one.node}: Remote_command_rc = {one.status}")
    if text:
        click.echo("\n".join(text))
    if not one.ok:
        click.echo(f"{one.node}: [{socket.gethostname().partition('.')[0]}]: Error: {one.error}", err=True)
