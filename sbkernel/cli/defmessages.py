"""How the verbs on objects speak: errors and warnings on stderr, after the short name of the server, as in xCAT."""

from __future__ import annotations

import os
from collections.abc import Iterable

from sbkernel.cli.verb import echo
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome
from sbkernel.errors import SbkernelError

FAILED = "One or more errors occured when attempting to create or modify xCAT object definitions."
NO_NAMES = "No object names were provided."
NOTHING = "No object definitions have been created or modified"


class Refusal(Exception):  # noqa: N818 (it is how the verbs say no)
    """A request that cannot be: its messages go to stderr, then the usage to stdout, and the status is 1."""

    def __init__(self, *messages: str, usage: str = "") -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
        self.usage = usage

    def show(self) -> int:
        """Print it; return the exit status."""
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
    """Print an error, and below it what to do about it."""
    complain("Error", str(error))


def say(outcomes: Iterable[ObjectOutcome]) -> bool:
    """Print what there is to say of each object; return whether an error was among it."""
    wrong = False
    for outcome in outcomes:
        for kind, text in outcome.said:
            complain(kind, text)
            wrong = wrong or kind == "Error"
    return wrong
