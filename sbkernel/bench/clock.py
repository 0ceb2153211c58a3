"""Measure wall-clock time and processor time of actions, both sides in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from sbkernel.jobs.report import NullReport


@dataclass(frozen=True)
class Spent:
    """The time of one run in seconds: wall-clock time, and processor time of all processors together."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Spells:
    """The runs of both sides."""

    ours: tuple[Spent, ...]
    peer: tuple[Spent, ...]

    @property
    def ours_s(self) -> tuple[float, ...]:
        """Return our wall-clock times."""
        return tuple(spent.wall_s for spent in self.ours)

    @property
    def peer_s(self) -> tuple[float, ...]:
        """Return the peer's wall-clock times."""
        return tuple(spent.wall_s for spent in self.peer)

    @property
    def note(self) -> str:
        """Return the processor time of each side as text. A busy machine affects it least."""
        ours, peer = (median(spent.cpu_s for spent in side) for side in (self.ours, self.peer))
        return f"processor time: ours {ours:.1f} s, the peer's {peer:.1f} s" + (
            f", ratio {ours / peer:.2f}" if peer > 0 else ""
        )


def timed(action: Callable[[], object]) -> Spent:
    """Run an action. Its processor time is that of this process and of the children that ended meanwhile."""
    cpu, began = sum(os.times()[:4]), time.perf_counter()
    action()
    return Spent(time.perf_counter() - began, sum(os.times()[:4]) - cpu)


def interleaved(
    ours: Callable[[], object], peer: Callable[[], object], runs: int, *, before: Callable[[], object] | None = None
) -> Spells:
    """Time both sides `runs` times in turn, so that other load on the machine affects both.

    `before` is called before each side and is not timed.
    """

    def one(side: Callable[[], object]) -> Spent:
        if before is not None:
            before()
        return timed(side)

    pairs: Sequence[tuple[Spent, Spent]] = [(one(ours), one(peer)) for _ in range(runs)]
    return Spells(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


class Phases(NullReport):
    """A report that keeps how long each phase took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def clear(self) -> None:
        """Forget the phases of the previous run."""
        self.seconds.clear()

    @contextmanager
    def phase(self, title: str, total: int | None = None) -> Iterator[None]:  # noqa: ARG002
        """Time a phase."""
        began = time.perf_counter()
        yield
        self.seconds[title] = self.seconds.get(title, 0.0) + time.perf_counter() - began

    @property
    def note(self) -> str:
        """Return as text how long each phase took."""
        return "ours by phase: " + ", ".join(f"{title} {seconds:.1f} s" for title, seconds in self.seconds.items())
