"""Do one thing on many nodes at once: one result per node, as they come, never an exception for one node."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from sbkernel.errors import SbkernelError
from sbkernel.nodes.results import NodeResult

_log = logging.getLogger(__name__)
AT_ONCE = 16_384
"""So many nodes may wait for an answer: who is silent keeps nobody from being asked. What takes more than one packet,
as a login does, has its limit where it is done."""
LOT = 256
"""So many are begun before the event loop looks whether answers have come."""

T = TypeVar("T")
Heard = Callable[[str | None], None]


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
    targets: Mapping[str, T | SbkernelError],
    act: Callable[[T], Awaitable[str]],
    *,
    ask: Callable[[T, Heard], bool] | None = None,
    at_once: int = AT_ONCE,
) -> AsyncIterator[NodeResult]:
    """Act on every node and yield what came out; a target that is an error is that node's result.

    `ask` may take a target over, without a task that waits, and says whether it does: it then calls what it was given
    with the text, later, or with None if it takes `act` after all.
    """
    fan = _Fan(act, ask, at_once)
    begun = asyncio.create_task(fan.begin(targets))
    try:
        for _ in targets:
            yield await fan.result()
    finally:
        await fan.end(begun)


class _Fan(Generic[T]):
    """What is under way on many nodes, and what came out."""

    def __init__(
        self, act: Callable[[T], Awaitable[str]], ask: Callable[[T, Heard], bool] | None, at_once: int
    ) -> None:
        self._act, self._ask, self._at_once = act, ask, at_once
        self._turns = Turns()
        self._waiting: deque[tuple[str, T | SbkernelError]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._done: deque[NodeResult | BaseException] = deque()
        self._news = asyncio.Event()

    async def begin(self, targets: Mapping[str, T | SbkernelError]) -> None:
        """Begin with all."""
        asked = 0
        try:
            for node, target in targets.items():
                if not self._asked(node, target):
                    self._work_on(node, target)
                    continue
                asked += 1
                if not asked % LOT:
                    await asyncio.sleep(0)
        except BaseException as error:
            self._put(error)
            raise

    async def result(self) -> NodeResult:
        """Return the next that came out."""
        while not self._done:
            self._news.clear()
            await self._news.wait()
        result = self._done.popleft()
        if isinstance(result, BaseException):
            raise result
        return result

    async def end(self, begun: asyncio.Task[None]) -> None:
        """Give up what is still under way; what is heard of it later is of no use."""
        self._at_once = 0
        tasks = [begun, *self._workers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _asked(self, node: str, target: T | SbkernelError) -> bool:
        if self._ask is None or isinstance(target, SbkernelError):
            return False

        def heard(text: str | None) -> None:
            if text is None:
                self._work_on(node, target)
            else:
                self._put(NodeResult(node, True, text))

        return self._ask(target, heard)

    def _work_on(self, node: str, target: T | SbkernelError) -> None:
        self._waiting.append((node, target))
        if len(self._workers) < self._at_once:
            self._workers.add(asyncio.create_task(self._work()))

    async def _work(self) -> None:
        try:
            while self._waiting:
                node, target = self._waiting.popleft()
                await self._turns.turn()
                self._put(await outcome(node, target, self._act))
        except BaseException as error:
            self._put(error)
            raise
        finally:
            # Not when the task is known to have ended: meanwhile, somebody may rely on this worker.
            self._workers.discard(asyncio.current_task())

    def _put(self, result: NodeResult | BaseException) -> None:
        self._done.append(result)
        self._news.set()


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
