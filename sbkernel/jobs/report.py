"""How long work tells what it is doing: phases, progress, log lines, a result, files that it made."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol


class Report(Protocol):
    """What long work reports to; the work itself neither prints nor knows who reads."""

    def phase(self, title: str, total: int | None = None) -> AbstractContextManager[None]:
        """Open a phase named by a verb phrase ("install packages"); it ends with the block. `total`: units of work."""

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Say how many units of the open phase are done; cheap enough to call for every unit."""

    def log(self, line: str) -> None:
        """Keep one line of detail, such as a tool's output."""

    def result(self, **data: Any) -> None:
        """Add to the result; values must survive JSON."""

    def artefact(self, name: str, file: Path) -> None:
        """Hand over a file that was made, as it is now; whoever gave the order fetches it by its digest."""


class NullReport:
    """Report to nobody."""

    def phase(self, title: str, total: int | None = None) -> AbstractContextManager[None]:  # noqa: ARG002
        """Open a phase that nobody sees."""
        return nullcontext()

    def progress(self, done: int, total: int | None = None, text: str = "") -> None:
        """Drop it."""

    def log(self, line: str) -> None:
        """Drop it."""

    def result(self, **data: Any) -> None:
        """Drop it."""

    def artefact(self, name: str, file: Path) -> None:
        """Leave the file where it is."""
