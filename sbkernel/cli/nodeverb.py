"""What nodels, nodeadd, nodech, noderm and nodegrpch share: words and options as xCAT reads them, usage on stdout."""

from __future__ import annotations

import getopt
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import click

from sbkernel import __version__
from sbkernel.cli.common import pass_site
from sbkernel.cli.defmessages import complain
from sbkernel.site import Site

_RAW = {"ignore_unknown_options": True, "help_option_names": []}
_COMMON = ("h|?|help", "v|version", "V|verbose")


class Words(NamedTuple):
    """What stands on the command line: words that are no options, and options by their first name."""

    words: list[str]
    options: frozenset[str]

    def say(self, lines: Iterable[str]) -> None:
        """Print lines; with -V, as xCAT's clients do, each after the short name of the server."""
        show_server = "V" in self.options or os.environ.get("XCATSHOWSVR")
        prefix = f"[{os.uname().nodename.partition('.')[0]}]: " if show_server else ""
        text = "".join(f"{prefix}{line}\n" for line in lines)
        click.echo(text, nl=False)


Body = Callable[[Site, Words], int]


def node_verb(name: str, usage: str, options: Sequence[str] = (), fewest: int = 0) -> Callable[[Body], click.Command]:
    """Make a verb of a function; `options` such as `b|blame`, `fewest` words without which the usage is printed."""

    def decorate(body: Body) -> click.Command:
        @click.command(name, context_settings=_RAW, add_help_option=False)
        @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
        def command(arguments: tuple[str, ...]) -> int:
            given = _read(arguments, (*_COMMON, *options))
            if given is None or "h" in given.options:
                return _usage(usage, int(given is None))
            if "v" in given.options:
                click.echo(f"Version {__version__}")
                return 0
            if len(given.words) < fewest:
                return _usage(usage, 1)
            return pass_site(body)(given)

        command.__doc__ = body.__doc__
        return command

    return decorate


def _usage(usage: str, status: int) -> int:
    click.echo(usage)
    return status


def _read(arguments: Sequence[str], options: Sequence[str]) -> Words | None:
    """Tell options from words, in any order and bundled as in -bH; None for an unknown option."""
    names = {name: option.partition("|")[0] for option in options for name in option.split("|")}
    short = "".join(name for name in names if len(name) == 1)
    try:
        found, words = getopt.gnu_getopt(list(arguments), short, [name for name in names if len(name) > 1])
    except getopt.GetoptError as error:
        click.echo(f"Unknown option: {error.opt}", err=True)
        return None
    return Words(words, frozenset(names[name.lstrip("-")] for name, _value in found))


def complain_all(texts: Iterable[str]) -> int:
    """Print errors; return the exit status."""
    status = 0
    for text in texts:
        complain("Error", text)
        status = 1
    return status
