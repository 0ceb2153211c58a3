"""Wait until something has happened, or fail with what was seen. No test sleeps and hopes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
Look = Callable[[], object]


def until(
    condition: Callable[[], T], timeout_s: float = 60, *, every_s: float = 0.02, unless: Look | None = None,
    seen: Look | None = None,
) -> T:  # fmt: skip
    """Return the first true value that a condition gives.

    Fails after `timeout_s`, or as soon as `unless` holds: what is waited for cannot come any more. The failure shows
    what `seen` returns, else the last value of the condition.
    """
    for value in _looks(condition, timeout_s, unless, seen):
        if value:
            return value
        time.sleep(every_s)
    raise AssertionError("unreachable")


async def until_async(
    condition: Callable[[], T], timeout_s: float = 60, *, every_s: float = 0.01, unless: Look | None = None,
    seen: Look | None = None,
) -> T:  # fmt: skip
    """Do as `until` does, and let the event loop run meanwhile."""
    for value in _looks(condition, timeout_s, unless, seen):
        if value:
            return value
        await asyncio.sleep(every_s)
    raise AssertionError("unreachable")


def _looks(condition: Callable[[], T], timeout_s: float, unless: Look | None, seen: Look | None) -> Iterator[T]:
    deadline = time.monotonic() + timeout_s
    while True:
        # What cannot come any more may have come just before: look at that first.
        over = unless is not None and bool(unless())
        late = time.monotonic() >= deadline
        yield (value := condition())
        if over or late:
            why = "it cannot come any more" if over else f"not within {timeout_s:g} s"
            raise AssertionError(f"{why}; seen: {value!r}" if seen is None else f"{why}; seen:\n{seen()}")
