"""What the verbs on tables share: their command line, their words, how secrets are printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from sbkernel import __version__
from sbkernel.cli.common import pass_site
from sbkernel.cli.defmessages import Refusal, complain
from sbkernel.definitions.columns import Table
from sbkernel.definitions.rowshape import Row, is_secret_cell
from sbkernel.definitions.secret import shown
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

Work = Callable[..., int]
REVEAL = click.Option(["--reveal"], is_flag=True, help="Print secrets in clear.")


class TableCommand(click.Command):
    """A verb whose mistakes are answered with its usage on stdout and exit 1, as in xCAT."""

    def __init__(self, name: str, usage: str, work: Work, params: Sequence[click.Parameter], version: str = "") -> None:
        flags = (
            click.Option(["-h", "-?", "--help", "wants_help"], is_flag=True),
            click.Option(["-v", "--version", "wants_version"], is_flag=True),
        )
        super().__init__(
            name, params=[*flags, *params, click.Argument(["words"], nargs=-1)], callback=self._run,
            add_help_option=False,
        )  # fmt: skip
        self.usage = usage
        self.version = version
        self.work = work

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; a bad option shows the usage."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            raise Refusal(usage=self.usage) from None

    def _run(self, *, wants_help: bool, wants_version: bool, words: tuple[str, ...], **options: Any) -> int:
        if wants_help or wants_version:
            click.echo(self.usage if wants_help else f"{self.version}Version {__version__}")
            return 0
        return pass_site(_explained)(self.work, words, options)


def _explained(site: Site, work: Work, words: tuple[str, ...], options: Mapping[str, Any]) -> int:
    try:
        return work(site, words, **options)
    except SbkernelError as error:
        return refused(str(error))


def refused(*messages: str, code: int = 1) -> int:
    """Print errors as xCAT's clients do; return the exit code."""
    for message in messages:
        complain("Error", message)
    return code


def said(*lines: str, code: int = 1) -> int:
    """Print lines to stdout, where the verbs on tables say some of their errors; return the exit code."""
    for line in lines:
        click.echo(line)
    return code


def printable(table: Table, row: Row, *, reveal: bool) -> Row:
    """Return a row as it is printed: secrets as *** unless they shall be revealed."""
    if reveal:
        return row
    return {column: shown(value) if is_secret_cell(table, column) else value for column, value in row.items()}
