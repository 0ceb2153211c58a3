"""What nodels, nodeadd, nodech, noderm and nodegrpch share: they read words and options as xCAT does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sbkernel import __version__
from sbkernel.cli.definitions.defmessages import complain
from sbkernel.cli.options import Option, OptionError, flag, parse_options
from sbkernel.cli.verb import Verb, echo
from sbkernel.site import Site

_COMMON = ("h|?|help", "v|version", "V|verbose")


class NodeWords(NamedTuple):
    """The command line: words, and the options by their first spelling."""

    words: list[str]
    options: frozenset[str]

    def say(self, lines: Iterable[str]) -> None:
        """Print lines. With -V each follows the short name of the server, as in xCAT."""
        show_server = "V" in self.options or os.environ.get("XCATSHOWSVR")
        prefix = f"[{os.uname().nodename.partition('.')[0]}]: " if show_server else ""
        text = "".join(f"{prefix}{line}\n" for line in lines)
        echo(text, nl=False)


_Body = Callable[[Site, NodeWords], int]


def node_verb(name: str, usage: str, options: Sequence[str] = (), fewest: int = 0) -> Callable[[_Body], Verb]:
    """Make a verb of a function. `options` are such as `b|blame`; fewer words than `fewest` print the usage."""

    def decorate(body: _Body) -> Verb:
        def run(where: str | None, arguments: Sequence[str]) -> int:
            given = _read(arguments, (*_COMMON, *options))
            if given is None or "h" in given.options:
                return _usage(usage, int(given is None))
            if "v" in given.options:
                echo(f"Version {__version__}")
                return 0
            if len(given.words) < fewest or (fewest and not given.words[0]):
                return _usage(usage, 1)
            with Site.open(where) as site:
                return body(site, given)

        return Verb(name, run)

    return decorate


def _usage(usage: str, status: int) -> int:
    echo(usage)
    return status


def _read(arguments: Sequence[str], options: Sequence[str]) -> NodeWords | None:
    """Separate options from words, in any order and bundled as in -bH. Return None for an unknown option."""
    known = [_option(option.split("|")) for option in options]
    try:
        given, words = parse_options(known, arguments)
    except OptionError:
        return None
    return NodeWords(list(words), frozenset(given))


def _option(spellings: Sequence[str]) -> Option:
    return flag(*(f"-{one}" if len(one) == 1 else f"--{one}" for one in spellings), name=spellings[0])


def complain_all(texts: Iterable[str]) -> int:
    """Print errors; return the exit status."""
    status = 0
    for text in texts:
        complain("Error", text)
        status = 1
    return status
