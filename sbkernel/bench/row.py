"""A row of a benchmark: our times, those of the peer in the same run, and the proof of equal work. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Check:
    """One check that both sides did the same work."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class Goal:
    """The highest allowed ratio of our time to that of the peer. `words` says it as it was promised."""

    ratio: float
    words: str = ""

    def __str__(self) -> str:
        """Return the goal as it is printed."""
        return f"<= {self.ratio:g}" + (f" ({self.words})" if self.words else "")


@dataclass(frozen=True)
class Share:
    """A part of the work that both sides do, in seconds."""

    name: str
    ours_s: float
    peer_s: float


@dataclass(frozen=True)
class BenchRow:
    """One comparison. Times are wall-clock seconds, one for each run; the ratio is that of the medians.

    A row without checks, or with a check that fails, is not a comparison: it has no ratio and meets no goal.
    """

    name: str
    ours: str
    peer: str
    ours_s: tuple[float, ...]
    peer_s: tuple[float, ...]
    checks: tuple[Check, ...]
    goal: Goal | None = None
    parts: tuple[Share, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def valid(self) -> bool:
        """Tell whether both sides ran and were proved to do the same work."""
        return bool(self.ours_s and self.peer_s and self.checks) and all(check.ok for check in self.checks)

    @property
    def ratio(self) -> float | None:
        """Return our median time divided by that of the peer; None if the row is not valid."""
        return median(self.ours_s) / median(self.peer_s) if self.valid else None

    @property
    def met(self) -> bool | None:
        """Tell whether the goal is met; None if there is no goal."""
        if self.goal is None:
            return None
        return self.ratio is not None and self.ratio <= self.goal.ratio

    def as_dict(self) -> dict[str, Any]:
        """Return the row as data for JSON."""
        return {
            "name": self.name,
            "ours": {"what": self.ours, "seconds": list(self.ours_s)},
            "peer": {"what": self.peer, "seconds": list(self.peer_s)},
            "valid": self.valid,
            "ratio": self.ratio,
            "goal": None if self.goal is None else {"ratio": self.goal.ratio, "words": self.goal.words},
            "met": self.met,
            "checks": [vars(check) for check in self.checks],
            "parts": [vars(part) for part in self.parts],
            "notes": list(self.notes),
        }


def failed_row(name: str, ours: str, peer: str, reason: str, goal: Goal | None = None) -> BenchRow:
    """Return the row of a comparison that failed."""
    return BenchRow(name, ours, peer, (), (), (Check("both sides ran", ok=False, found=reason),), goal)


def passed(rows: Sequence[BenchRow]) -> bool:
    """Tell whether all rows are valid and meet their goals."""
    return all(row.valid and row.met is not False for row in rows)
