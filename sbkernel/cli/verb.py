"""A verb without click: scripts call xCAT's verbs thousands of times, so they must start fast."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple


class OutputError(Exception):
    """The output of a verb cannot be written, e.g. because the disk is full."""


class Verb(NamedTuple):
    """A verb. `run` gets the directory of the site (--site) and the words after the verb, and returns the status."""

    name: str
    run: Callable[[str | None, Sequence[str]], int]


def echo(text: str = "", *, nl: bool = True, err: bool = False) -> None:
    """Print at once, so that stdout and stderr stay in order if both go to one file."""
    stream = sys.stderr if err else sys.stdout
    try:
        stream.write(f"{text}\n" if nl else text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{stream.name}: {error.strerror}") from None
