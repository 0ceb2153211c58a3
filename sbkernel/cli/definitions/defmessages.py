"""The messages of the verbs on objects: on stderr, after the short name of the server, as in xCAT."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sbkernel.cli.verb import echo
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome
from sbkernel.errors import SbkernelError

FAILED = "One or more errors occured when attempting to create or modify xCAT object definitions."
NO_NAMES = "No object names were provided."
NOTHING_CHANGED = "No object definitions have been created or modified"


class Refusal(Exception):  # noqa: N818 (not an error of the program: the verb says no)
    """An invalid request: its messages go to stderr, the usage to stdout, and the exit status is 1."""

    def __init__(self, *messages: str, usage: str = "") -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
        self.usage = usage

    def show(self) -> int:
        """Print the messages and the usage; return the exit status."""
        for message in self.messages:
            complain("Error", message)
        if self.usage:
            echo(self.usage)
        return 1


def complain(kind: str, text: str) -> None:
    """Print an error or warning to stderr, after the short name of the server, as xCAT's clients do."""
    server = os.uname().nodename.partition(".")[0]
    echo(f"{kind}: [{server}]: {text}", err=True)


def complain_of(error: SbkernelError) -> None:
    """Print an error with its remedy below it."""
    complain("Error", str(error))


def say(outcomes: Iterable[ObjectOutcome]) -> bool:
    """Print the messages about each object; return whether one of them is an error."""
    wrong = False
    for outcome in outcomes:
        for kind, text in outcome.said:
            complain(kind, text)
            wrong = wrong or kind == "Error"
    return wrong
