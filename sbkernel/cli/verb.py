"""A verb that needs no framework: xCAT's verbs, which scripts call thousands of times, start without one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple


class OutputError(Exception):
    """What a verb says cannot be written: a full disk, for example."""


class Verb(NamedTuple):
    """A verb; `run` takes the directory of the site (--site) and the words behind the verb, and returns the status."""

    name: str
    run: Callable[[str | None, Sequence[str]], int]


def echo(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Print at once, so that stdout and stderr stay in order when both go to one file."""
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(f"{text}\n" if nl else text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{stream.name}: {error.strerror}") from None
