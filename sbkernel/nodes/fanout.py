"""Do one thing on many nodes at once: one result per node, as they come, never an exception for one node."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeVar

from sbkernel.errors import SbkernelError
from sbkernel.nodes.results import NodeResult

_log = logging.getLogger(__name__)
AT_ONCE = 16_384
"""So many nodes may wait for an answer: who is silent keeps nobody from being asked. What takes more than one packet,
as a login does, has its limit where it is done."""
LOT = 256
"""So many are begun before the event loop looks whether answers have come."""

T = TypeVar("T")


class Turns:
    """Turns to begin by lots, one lot in each round of the event loop: packets leave, and answers are read, evenly."""

    def __init__(self) -> None:
        self._left = LOT
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Return in the first round that has room."""
        loop = asyncio.get_running_loop()
        if self._left == LOT:
            loop.call_soon(self._next_round)
        if self._left:
            self._left -= 1
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _next_round(self) -> None:
        self._left = LOT
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():
                self._left -= 1
                turn.set_result(None)
        if self._left < LOT:
            asyncio.get_running_loop().call_soon(self._next_round)


async def fan_out(
    targets: Mapping[str, T | SbkernelError], act: Callable[[T], Awaitable[str]], *, at_once: int = AT_ONCE
) -> AsyncIterator[NodeResult]:
    """Act on every node and yield what came out; a target that is an error is that node's result."""
    waiting, done, news = iter(targets.items()), deque[NodeResult | BaseException](), asyncio.Event()
    turns = Turns()

    async def work() -> None:
        for node, target in waiting:
            try:
                await turns.turn()
                done.append(await outcome(node, target, act))
            except BaseException as error:
                done.append(error)
                raise
            finally:
                news.set()

    tasks = [asyncio.create_task(work()) for _ in range(min(at_once, len(targets)))]
    try:
        for _ in targets:
            while not done:
                news.clear()
                await news.wait()
            result = done.popleft()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def outcome(node: str, target: T | SbkernelError, act: Callable[[T], Awaitable[str]]) -> NodeResult:
    """Act on one node and return what came out, whatever that is."""
    if isinstance(target, SbkernelError):
        return failed(node, target)
    try:
        return NodeResult(node, True, await act(target))
    except SbkernelError as error:
        return failed(node, error)
    except Exception as error:
        # An answer that nobody foresaw must not cost the other nodes their results.
        _log.exception("%s: unexpected", node)
        return NodeResult(node, False, f"unexpected answer ({type(error).__name__})", "The service's log says more.")


def failed(node: str, error: SbkernelError) -> NodeResult:
    """Return the result of a node that an error stands for."""
    return NodeResult(node, False, error.message.removeprefix(f"{node}: "), error.hint)
