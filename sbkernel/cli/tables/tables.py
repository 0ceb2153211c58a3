"""What the verbs on tables share: their command line, their messages, and how they print secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sbkernel import __version__
from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.options import Option, OptionError, flag, parse_options
from sbkernel.cli.verb import Verb, echo
from sbkernel.definitions.secret import shown
from sbkernel.definitions.xcattables.columns import Table
from sbkernel.definitions.xcattables.rowshape import Row, is_secret_cell
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

_Work = Callable[..., int]
REVEAL = flag("--reveal", name="reveal")


def table_verb(
    name: str, usage: str, work: _Work, options: Sequence[Option] = (), *, version: str = "", help_status: int = 0
) -> Verb:
    """Make a verb of `work`, which gets the words and all options. A mistake prints the usage and exits with 1."""
    known = (
        flag("-h", "-?", "--help", "-help", name="wants_help"),
        flag("-v", "--version", "-version", name="wants_version"),
        *options,
    )

    def run(where: str | None, arguments: Sequence[str]) -> int:
        try:
            given, words = parse_options(known, arguments)
        except OptionError:
            return said(usage)
        if given.pop("wants_help", False):
            return said(usage, code=help_status)
        if given.pop("wants_version", False):
            return said(f"{version}Version {__version__}", code=0)
        with Site.open(where) as site:
            return _explained(
                site, work, words, {option.name: given.get(option.name, option.unset) for option in options}
            )

    return Verb(name, run)


def _explained(site: Site, work: _Work, words: tuple[str, ...], options: Mapping[str, Any]) -> int:
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
    """Print lines to stdout, where xCAT's verbs on tables print some of their errors; return the exit code."""
    for line in lines:
        echo(line)
    return code


def printable_row(table: Table, row: Row, *, reveal: bool) -> Row:
    """Return a row as it is printed: with secrets as ***, unless `reveal`."""
    if reveal:
        return row
    return {column: shown(value) if is_secret_cell(table, column) else value for column, value in row.items()}
