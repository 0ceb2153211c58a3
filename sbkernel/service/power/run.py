"""One change on many nodes: canaries first, power at a pace, until too much fails or somebody stops it.

A node is looked at, waits for its turn, and is sent its change once. What waits can be stopped at any time; what was
sent is followed to its end, whoever has gone meanwhile, so that the record is true.
"""

from __future__ import annotations

import asyncio
import functools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from sbkernel.errors import SbkernelError
from sbkernel.nodes.fanout import Turns, outcome
from sbkernel.nodes.power import Power, PowerChange
from sbkernel.nodes.results import NodeResult
from sbkernel.nodes.rpower import decide
from sbkernel.service.power.log import DONE, PowerLog
from sbkernel.service.power.pace import Pacer
from sbkernel.service.power.safety import WATCHED, Care, Failures

T = TypeVar("T")

_SENDING = 1024
"""So many changes may be under way at once."""
_OLD_S = 2.0
"""After waiting so long, the power of a node is looked at again before anything is sent."""
GIVEN_UP = "the command was given up"


class Hands(Protocol):
    """What carries a run out on one node. Every call raises ControlError."""

    async def state(self, power: Power) -> bool:
        """Return whether a node has power."""
        ...

    async def send(self, power: Power, change: PowerChange, action: str) -> None:
        """Send a change, once."""
        ...

    async def well(self, power: Power, change: PowerChange, care: Care) -> None:
        """Return when a canary is as it should be after a change."""
        ...


class Run(ABC):
    """One action on many nodes; `count` is how many it touches."""

    def __init__(self, care: Care, count: int, log: PowerLog) -> None:
        self.stopped = ""
        """Why nothing more is sent; "" while it goes on."""
        self._care = care
        self._log = log
        self._failures = Failures(care.abort, count)
        self._turns = Turns()
        # Few at a time where failures are to stop the rest.
        self._sending = asyncio.Semaphore(_SENDING if care.abort is None else WATCHED)
        self._unsent: dict[str, asyncio.Task[NodeResult]] = {}
        self._canaries: set[str] = set()
        self._well: set[str] = set()
        self._go = asyncio.Event()
        self._after: dict[str, str] = {}

    async def results(self, targets: Mapping[str, Power | SbkernelError]) -> AsyncIterator[NodeResult]:
        """Act on the nodes and yield what came out; the record is complete when this ends, however it does."""
        queue: asyncio.Queue[NodeResult] = asyncio.Queue()

        def ended(node: str, task: asyncio.Task[NodeResult]) -> None:
            result = self._not_sent(node) if task.cancelled() else task.result()
            self._log.result(result, self._after.get(node, ""))
            queue.put_nowait(result)

        tasks = [asyncio.create_task(outcome(node, target, self._act), name=node) for node, target in targets.items()]
        self._unsent = {task.get_name(): task for task in tasks}
        for task in tasks:
            task.add_done_callback(functools.partial(ended, task.get_name()))
        try:
            for _ in tasks:
                yield await queue.get()
        finally:
            try:
                if not all(task.done() for task in tasks):
                    self.stop(GIVEN_UP)
                    await asyncio.wait(tasks)
                    await asyncio.sleep(0)  # the callbacks write the record
            finally:
                self._log.end(self.stopped or DONE)

    def stop(self, why: str) -> None:
        """Send nothing more; what was sent already goes on."""
        if self.stopped:
            return
        self.stopped = why
        for task in list(self._unsent.values()):
            task.cancel()

    def _not_sent(self, node: str) -> NodeResult:
        return NodeResult(node, False, f"not sent: {self.stopped or GIVEN_UP}", untouched=True)

    async def _act(self, power: Power) -> str:
        node = power.node
        try:
            text = await self._carefully(power)
        except Exception as error:
            if node in self._canaries:
                said = error.message if isinstance(error, SbkernelError) else type(error).__name__
                self.stop(f"canary {node}: {said.removeprefix(f'{node}: ')}")
            raise
        self._well |= self._canaries & {node}
        if len(self._well) == self._care.canary:
            self._go.set()
        return text

    @abstractmethod
    async def _carefully(self, power: Power) -> str:
        """Act on one node when it is its turn and return what to print. Raises SbkernelError."""

    async def _ask(self, power: Power, question: Callable[[Power], Awaitable[T]]) -> T:
        """Ask a node before anything is sent; too many that do not answer stop the run."""
        try:
            await self._turns.turn()
            return await question(power)
        except SbkernelError:
            self._unsent.pop(power.node, None)
            if why := self._failures.silent():
                self.stop(why)
            raise

    async def _behind_canaries(self, node: str) -> None:
        """Make a node a canary, as long as there are too few, or return when those are well."""
        if len(self._canaries) < self._care.canary:
            self._canaries.add(node)
        elif self._care.canary:
            await self._go.wait()

    async def _send_once(self, node: str, change: str, send: Awaitable[T]) -> T:
        """Send a change, recorded before; too many that fail stop the run."""
        self._failures.sent(node)
        self._log.sent(node, change)
        try:
            return await send
        except SbkernelError:
            if why := self._failures.failed(node):
                self.stop(why)
            raise


class PowerRun(Run):
    """One action of rpower on many nodes."""

    def __init__(
        self, action: str, care: Care, domains: Mapping[str, str], pacer: Pacer, log: PowerLog, hands: Hands
    ) -> None:
        super().__init__(care, len(domains), log)
        self._action = action
        self._domains = domains
        self._pacer = pacer
        self._hands = hands

    async def _carefully(self, power: Power) -> str:
        node = power.node
        try:
            change, text = await self._prepared(power)
        finally:
            # From here on nothing stops it.
            self._unsent.pop(node, None)
        if change is None:
            return text
        try:
            await self._send(power, change)
        finally:
            self._sending.release()
        if node in self._canaries:
            await self._hands.well(power, change, self._care)
        return text

    async def _prepared(self, power: Power) -> tuple[PowerChange | None, str]:
        """Return what to send now and what to print, when it is the node's turn; with a change, a place to send."""
        change, text = await self._look(power)
        if change is None:
            return change, text
        began = asyncio.get_running_loop().time()
        await self._turn(power.node, change)
        if asyncio.get_running_loop().time() - began > _OLD_S:
            change, text = await self._look(power)
        if change is not None:
            await self._sending.acquire()
        return change, text

    async def _look(self, power: Power) -> tuple[PowerChange | None, str]:
        running = await self._ask(power, self._hands.state)
        now = "on" if running else "off"
        self._log.looked(power.node, now)
        change, text = decide(self._action, running)
        self._after[power.node] = "" if change else now
        return change, text

    async def _turn(self, node: str, change: PowerChange) -> None:
        await self._behind_canaries(node)
        if change.starts:
            await self._pacer.turn(self._domains.get(node, ""), self._care.pace)

    async def _send(self, power: Power, change: PowerChange) -> None:
        await self._send_once(power.node, change.value, self._hands.send(power, change, self._action))
        if change != PowerChange.SOFT_OFF:  # that takes its time, and may be refused by the system
            self._after[power.node] = "off" if change.leaves is False else "on"
