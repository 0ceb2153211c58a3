"""How fast nodes are started: a breaker and a file server each have only so much to give.

A bucket holds tokens and fills again; a node starts with one token of its failure domain, such as its rack, and one of
the whole site. Who waits is served in turn within a domain, whichever request they come from.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Between = Callable[[float, float], float]
"""Return a number between two by chance."""
JITTER = 0.2
"""Steps are this much longer or shorter by chance, so that racks do not start in step with each other."""


@dataclass(frozen=True)
class Limit:
    """So many nodes at once, then `each` more every `period_s` seconds."""

    size: int
    each: int
    period_s: float

    def __str__(self) -> str:
        slow = self.each > 1 or self.period_s > 1
        then = f"{self.each} every {self.period_s:g} s" if slow else f"{1 / self.period_s:g} a second"
        return f"{self.size} at once, then {then}"

    def seconds(self, count: int) -> float:
        """Return how long so many nodes take at least."""
        return max(0, -(-(count - self.size) // self.each)) * self.period_s


@dataclass(frozen=True)
class Pace:
    """The limits of a request: for each failure domain and for all nodes; None: no limit.

    A node without a failure domain has only the second.
    """

    domain: Limit | None = Limit(8, 1, 1 / 4)
    site: Limit | None = Limit(40, 1, 1 / 40)
    jitter: float = JITTER

    def seconds(self, domains: Iterable[str]) -> float:
        """Return how long nodes of these domains take at least, one domain for each node."""
        counts = Counter(domains)
        longest = max((self.domain.seconds(n) for d, n in counts.items() if d), default=0.0) if self.domain else 0.0
        return max(longest, self.site.seconds(counts.total()) if self.site else 0.0)

    def __str__(self) -> str:
        parts = ((self.domain, "of each rack or PDU"), (self.site, "in all"))
        return "; ".join(f"{limit} {whose}" for limit, whose in parts if limit)


UNLIMITED = Pace(None, None)


def at_rate(per_second: float) -> Pace:
    """Return the pace of so many nodes a second for all together, whatever their domains."""
    return Pace(None, Limit(max(1, int(per_second)), 1, 1 / per_second))


def in_sets(count: int, interval_s: float) -> Pace:
    """Return xCAT's pace: sets of so many nodes, and a pause between two (syspowermaxnodes, syspowerinterval)."""
    return Pace(None, Limit(count, count, interval_s), jitter=0.0) if interval_s else UNLIMITED


@dataclass
class Bucket:
    """The tokens of one limit. Times are in seconds of any clock."""

    limit: Limit
    jitter: float
    between: Between
    tokens: int = field(init=False)
    _due: float | None = None

    def __post_init__(self) -> None:
        self.tokens = self.limit.size

    def wait_s(self, now: float) -> float:
        """Return how long it takes until there is a token, 0 if there is one."""
        while self._due is not None and now >= self._due:
            self.tokens = min(self.limit.size, self.tokens + self.limit.each)
            self._due = None if self.tokens == self.limit.size else self._due + self._step_s()
        return 0.0 if self.tokens or self._due is None else self._due - now

    def take(self, now: float) -> None:
        """Take a token; the next one comes a period later."""
        self.tokens -= 1
        if self._due is None:
            self._due = now + self._step_s()

    def _step_s(self) -> float:
        return self.limit.period_s * self.between(1 - self.jitter, 1 + self.jitter)


@dataclass(eq=False)
class _Waiting:
    """Who waits for a turn, and the buckets that it takes from."""

    buckets: tuple[Bucket, ...]
    turn: asyncio.Future[None]


class Pacer:
    """Whose turn it is to start, for all requests of the service together."""

    def __init__(self, now: Callable[[], float] = time.monotonic, between: Between = random.uniform) -> None:
        self._now = now
        self._between = between
        self._buckets: dict[tuple[str, Limit, float], Bucket] = {}
        self._queues: dict[tuple[str, Pace], deque[_Waiting]] = {}
        self._server: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def turn(self, domain: str, pace: Pace) -> None:
        """Return when a node of this domain may start. Who gives up waiting costs nobody else a turn."""
        buckets = self._taken_from(domain, pace)
        if not buckets:
            return
        one = _Waiting(buckets, asyncio.get_running_loop().create_future())
        queue = self._queues.setdefault((domain, pace), deque())
        queue.append(one)
        self._news.set()
        if self._server is None or self._server.done():
            self._server = asyncio.create_task(self._serve(), name="pace of power")
        try:
            await one.turn
        finally:
            with contextlib.suppress(ValueError):
                queue.remove(one)

    def waiting(self) -> int:
        """Return how many wait for their turn."""
        return sum(map(len, self._queues.values()))

    def _taken_from(self, domain: str, pace: Pace) -> tuple[Bucket, ...]:
        limits = (("", pace.site), (domain, pace.domain if domain else None))
        return tuple(self._bucket(name, limit, pace.jitter) for name, limit in limits if limit)

    def _bucket(self, domain: str, limit: Limit, jitter: float) -> Bucket:
        key = domain, limit, jitter
        if key not in self._buckets:
            self._buckets[key] = Bucket(limit, jitter, self._between)
        return self._buckets[key]

    async def _serve(self) -> None:
        while self._queues:
            self._news.clear()
            while sum(map(self._serve_first, self._queues.values())):
                continue
            self._queues = {key: queue for key, queue in self._queues.items() if queue}
            if self._queues:
                pause_s = min(self._wait_s(queue) for queue in self._queues.values())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause_s)

    def _wait_s(self, queue: deque[_Waiting]) -> float:
        now = self._now()
        return max(bucket.wait_s(now) for bucket in queue[0].buckets)

    def _serve_first(self, queue: deque[_Waiting]) -> bool:
        """Give the first of a queue its turn, if there are tokens; return whether the next one may have it, too."""
        if not queue or self._wait_s(queue) > 0:
            return False
        one = queue.popleft()
        if not one.turn.done():
            for bucket in one.buckets:
                bucket.take(self._now())
            one.turn.set_result(None)
        return True
