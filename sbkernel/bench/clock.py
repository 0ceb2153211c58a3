"""Measure: wall-clock and processor time of an action, both sides in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spent:
    """What one run took, in seconds: by the clock on the wall, and of all processors together."""

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
        """Say in words how much processor time each side took, which a busy machine changes least."""
        ours, peer = (median(spent.cpu_s for spent in side) for side in (self.ours, self.peer))
        return f"processor time: ours {ours:.1f} s, the peer's {peer:.1f} s" + (
            f", ratio {ours / peer:.2f}" if peer > 0 else ""
        )


def timed(action: Callable[[], object]) -> Spent:
    """Run something; its processor time is ours and that of the children that ended meanwhile."""
    cpu, began = sum(os.times()[:4]), time.perf_counter()
    action()
    return Spent(time.perf_counter() - began, sum(os.times()[:4]) - cpu)


def interleaved(ours: Callable[[], object], peer: Callable[[], object], runs: int) -> Spells:
    """Time both sides `runs` times in turn, so that what else the machine does falls on both."""
    pairs: Sequence[tuple[Spent, Spent]] = [(timed(ours), timed(peer)) for _ in range(runs)]
    return Spells(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))
