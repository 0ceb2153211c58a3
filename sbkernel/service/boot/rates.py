"""How often each of many may do something: a flood of one is held back, and others notice nothing."""

from __future__ import annotations

import time
from collections import OrderedDict


class Rates:
    """`burst` at once and `per_s` a second for each key; of keys, those are remembered that came last."""

    def __init__(self, burst: float, per_s: float, remembered: int = 4096) -> None:
        self._burst = burst
        self._per_s = per_s
        self._remembered = remembered
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float | None = None) -> bool:
        """Return whether this may happen once more, and count it if so."""
        moment = time.monotonic() if now is None else now
        left, then = self._left.pop(key, (self._burst, moment))
        left = min(self._burst, left + (moment - then) * self._per_s)
        self._left[key] = (left - 1 if left >= 1 else left, moment)
        if len(self._left) > self._remembered:
            self._left.popitem(last=False)
        return left >= 1
