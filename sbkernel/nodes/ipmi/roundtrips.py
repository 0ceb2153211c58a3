"""How long to wait for an answer: as long as those of all BMCs take by now, as TCP has it (RFC 6298)."""

from __future__ import annotations

_SMOOTH, _SPREAD = 1 / 32, 1 / 16
"""A quarter of what TCP takes for one peer: a single late answer must not hold up thousands of others."""
_SPREADS = 4


class RoundTrips:
    """What answers of one kind take, of all BMCs together: a BMC is asked once in a while, and they are much alike.

    A host that is busy makes them all late, and repeating what is on its way would make it busier.
    """

    def __init__(self, first_s: float, least_s: float) -> None:
        self._least_s = least_s
        self._timeout_s = first_s
        self._mean_s: float | None = None
        self._spread_s = 0.0
        self._newest = 0.0

    @property
    def timeout_s(self) -> float:
        """After how long without an answer to ask again."""
        return self._timeout_s

    def is_lost(self, asked_at: float, now: float) -> bool:
        """Tell whether what was asked then would have its answer by now: what was asked well after it has (RFC 8985).

        That holds however long all answers take for now, as they wait for each other.
        """
        return now - asked_at >= self._least_s and self._newest - asked_at >= self._least_s / 2

    def took(self, seconds: float, asked_at: float = 0.0) -> None:
        """Learn from an answer to what was sent once: of others nobody knows what they answer (Karn's algorithm)."""
        self._newest = max(self._newest, asked_at)
        if self._mean_s is None:
            self._mean_s, self._spread_s = seconds, seconds / 2
        else:
            self._spread_s += (abs(self._mean_s - seconds) - self._spread_s) * _SPREAD
            self._mean_s += (seconds - self._mean_s) * _SMOOTH
        self._timeout_s = max(self._mean_s + self._spread_s * _SPREADS, self._least_s)
