"""The command line of lsdef, mkdef, chdef and rmdef: all four read the same options, as in xCAT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sbkernel import __version__
from sbkernel.cli.common import pass_site
from sbkernel.cli.defconflicts import check, check_words
from sbkernel.cli.defmessages import Refusal, complain_of
from sbkernel.cli.defrequest import OPTIONS, Request
from sbkernel.cli.defusage import attribute_help, usage
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

Work = Callable[[Site, Request], int]


class DefCommand(click.Command):
    """A verb whose mistakes are answered as xCAT does: the message on stderr, the usage on stdout, exit 1."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; without any, show the usage, which is no mistake."""
        if not args and self.name != "lsdef":
            click.echo(usage(str(self.name)))
            ctx.exit(0)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise Refusal(f"Invalid option..\n  {error.message}", usage=usage(str(self.name))) from None


def definition_command(verb: str, summary: str, work: Work) -> DefCommand:
    """Return the command of a verb, which does `work` when nothing speaks against it."""

    def callback(words: tuple[str, ...], **options: Any) -> int:
        request = Request(verb, words, **{name: value for name, value in options.items() if value not in (None, ())})
        check(request)
        if request.wants_help:
            click.echo(attribute_help(request) if request.types else usage(verb))
            return 0
        if request.version:
            click.echo(f"{verb} - Version {__version__}")
            return 0
        check_words(request)
        return pass_site(_explained)(work, request)

    params = [option.option() for option in OPTIONS]
    return DefCommand(
        verb, params=[*params, click.Argument(["words"], nargs=-1)], callback=callback, help=summary,
        add_help_option=False,
    )  # fmt: skip


def _explained(site: Site, work: Work, request: Request) -> int:
    try:
        return work(site, request)
    except SbkernelError as error:
        complain_of(error)
        return 1
