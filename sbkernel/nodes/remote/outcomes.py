"""What came of something on many nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

from sbkernel.errors import NodeError, SbkernelError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Said:
    """A line that a node wrote; `error` tells whether to its standard error."""

    node: str
    line: str
    error: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it on one node.

    `status` is the exit status there, None when nothing ran to its end; `output` is what it wrote, and `error` why it
    failed, "" if it did not.
    """

    node: str
    ok: bool
    status: int | None = 0
    output: str = ""
    error: str = ""
    hint: str = ""
    seconds: float = 0.0


class Outcomes(dict[str, Outcome]):
    """The outcome of each node, by its name."""

    @classmethod
    def of(cls, events: Iterable[Said | Outcome]) -> Self:
        """Return the outcomes among what came, sorted by node."""
        return cls(sorted((one.node, one) for one in events if isinstance(one, Outcome)))

    @property
    def failed(self) -> list[Outcome]:
        """Return those that failed."""
        return [one for one in self.values() if not one.ok]

    def check(self) -> Self:
        """Return them all; raise NodeError for the first that failed, so that a notebook stops there."""
        for one in self.failed:
            others = f", and {len(self.failed) - 1} more failed" if len(self.failed) > 1 else ""
            raise NodeError(one.node, one.error + others, hint=one.hint or None)
        return self

    def frame(self) -> pd.DataFrame:
        """Return them as a DataFrame, with the fields of Outcome as columns."""
        import pandas as pd

        names = [field.name for field in fields(Outcome)]
        return pd.DataFrame([[getattr(one, name) for name in names] for one in self.values()], columns=names)


def refused(node: str, error: SbkernelError) -> Outcome:
    """Return the outcome on a node of which an error was known before anything was sent, or came back."""
    return Outcome(node, False, None, error=error.message.removeprefix(f"{node}: "), hint=error.hint or "")
