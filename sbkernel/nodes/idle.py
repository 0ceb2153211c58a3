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
        due = self._due.get(tick)
        if due is not None:
            due.append(alarm)
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
    wheel = _wheels.get(loop)
    if wheel is None:
        wheel = _wheels[loop] = _Wheel(loop)
    wheel.put(delay_s, alarm)
    return alarm


class IdleTimer:
    """Call `end` once nothing has happened for long enough: a session was not used, or a packet got no answer.

    Mostly something happens before: the alarm stays, and looks when it rings how long that is to come.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._until: float | None = None
        """When it ends; None: it does not."""
        self._alarm: tuple[float, Alarm] | None = None

    def stop(self) -> None:
        """Wait no more."""
        self._until = None

    def start(self, idle_s: float) -> None:
        """Wait from now on, for so many seconds."""
        self._until = asyncio.get_running_loop().time() + idle_s
        if self._alarm is not None and self._alarm[0] > self._until:
            self._alarm[1].cancel()
            self._alarm = None
        if self._alarm is None:
            self._look_at(self._until)

    def _look_at(self, when: float) -> None:
        self._alarm = when, call_later(when - asyncio.get_running_loop().time(), self._look)

    def _look(self) -> None:
        self._alarm = None
        if self._until is None:
            return
        if asyncio.get_running_loop().time() < self._until:
            self._look_at(self._until)
            return
        self._until = None
        self._end()


class Deadline:
    """A time limit for what the task does that makes it: asyncio.timeout by alarms, which can be stopped like a watch.

    It runs from when it is made until `end`; when it is over it cancels the task.
    """

    __slots__ = ("_alarm", "_cancelling", "_is_over", "_left_s", "_task", "_until")

    def __init__(self, limit_s: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is that of a task")
        self._task, self._cancelling = task, task.cancelling()
        self._is_over = False
        self._left_s: float | None = limit_s
        """What is left while it stands still; None: it runs."""
        self.go_on()

    @property
    def stands_still(self) -> bool:
        """Whether time does not count."""
        return self._left_s is not None

    def stand_still(self) -> None:
        """Let no time count until `go_on`."""
        if self._left_s is None:
            self._alarm.cancel()
            self._left_s = self._until - asyncio.get_running_loop().time()

    def go_on(self) -> None:
        """Let time count again."""
        if self._left_s is not None:
            self._until = asyncio.get_running_loop().time() + self._left_s
            self._alarm = call_later(self._left_s, self._ring)
            self._left_s = None

    def end(self, error: BaseException | None) -> bool:
        """Let no time count any more; say whether an error is that of the deadline, and not that of somebody else."""
        self._alarm.cancel()
        if not self._is_over:
            return False
        return self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError)

    def _ring(self) -> None:
        self._is_over = True
        self._task.cancel()
