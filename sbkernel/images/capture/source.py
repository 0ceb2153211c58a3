"""The seam to a running system: what a capture asks of it, whoever reaches it and however."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol


class Stream(Protocol):
    """What a command on a running system writes, while it runs."""

    @property
    def output(self) -> IO[bytes]:
        """Return its standard output, to be handed to a program here."""

    def finish(self) -> list[str]:
        """Wait for its end and return the lines of its standard error; NodeError when it failed or broke off."""


class Source(Protocol):
    """A running system whose root can be read."""

    @property
    def name(self) -> str:
        """Return what it is called."""

    @property
    def brought(self) -> Collection[str]:
        """Return the paths (etc/hostname) that its boot laid over its image: they are not the image's."""

    def ask(self, script: str) -> bytes:
        """Run a script of sh there and return what it wrote. Raises NodeError."""

    def stream(self, command: str, given: Path) -> AbstractContextManager[Stream]:
        """Run a command of sh there, with a file of ours as its standard input; it ends with the block at the latest.

        Nothing that a user typed is in the command.
        """
