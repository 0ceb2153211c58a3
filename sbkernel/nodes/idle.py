"""Alarms by the thousand: one timer of the event loop for all that are due at about the same time.

A timer of its own for each would be put into a heap, and mostly be cancelled there: sessions repeat what gets no answer
and end when nobody uses them, and answers come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

_TICK_S = 0.02


class Alarm:
    """A call that is due some time, unless it is cancelled."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Call nothing."""
        self._call = None

    @property
    def is_due(self) -> bool:
        """Whether there is anything left to call."""
        return self._call is not None

    def ring(self) -> None:
        """Call it."""
        if self._call is not None:
            self._call()


class _Wheel:
    """The alarms of one event loop by when they are due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[int, list[Alarm]] = {}

    def put(self, delay_s: float, alarm: Alarm) -> None:
        tick = int((self._loop.time() + delay_s) / _TICK_S) + 1
        if tick in self._due:
            self._due[tick].append(alarm)
            return
        self._due[tick] = [alarm]
        self._loop.call_at(tick * _TICK_S, self._ring, tick)

    def _ring(self, tick: int) -> None:
        for alarm in self._due.pop(tick):
            if alarm.is_due:
                self._loop.call_soon(alarm.ring)


_wheels: WeakKeyDictionary[asyncio.AbstractEventLoop, _Wheel] = WeakKeyDictionary()


def call_later(delay_s: float, call: Callable[[], None]) -> Alarm:
    """Call a function on this event loop after so many seconds, at most 0.02 s late; return what cancels it."""
    loop, alarm = asyncio.get_running_loop(), Alarm(call)
    if loop not in _wheels:
        _wheels[loop] = _Wheel(loop)
    _wheels[loop].put(delay_s, alarm)
    return alarm


class IdleTimer:
    """Call `end` once a session has been idle for long enough."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._alarm: Alarm | None = None

    def stop(self) -> None:
        """Wait no more: the session is used."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def start(self, idle_s: float) -> None:
        """Wait from now on, for so many seconds."""
        self.stop()
        self._alarm = call_later(idle_s, self._end)
