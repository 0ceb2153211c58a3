"""A verb without click: scripts call xCAT's verbs thousands of times, so they must start fast."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
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


@functools.cache
def folders() -> dict[str, str]:
    """Return the folder of each module below those of this room, which are called like the rooms that do the work."""
    here = os.path.dirname(__file__)  # noqa: PTH120 - pathlib would cost more than the rest
    inside = [entry for entry in os.scandir(here) if entry.is_dir() and entry.name[0] not in "_."]
    return {file.name[:-3]: one.name for one in inside for file in os.scandir(one) if file.name.endswith(".py")}


def module_of(verb: str) -> ModuleType:
    """Import and return the module of a verb, which is named after it."""
    return importlib.import_module(f"sbkernel.cli.{folders()[verb]}.{verb}")
