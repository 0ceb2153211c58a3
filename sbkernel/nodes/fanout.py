"""Do one thing on many nodes at once: one result per node, as they come, never an exception for one node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from sbkernel.errors import SbkernelError
from sbkernel.nodes.bmc import Bmc, BmcLogin
from sbkernel.nodes.failures import BmcError
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.results import NodeResult

AT_ONCE = 1024
"""More logins at once than this on a busy processor make BMCs that are alive time out."""

Logins = Mapping[str, BmcLogin | SbkernelError]
"""How to log in, by node; or why that is not known, which becomes the node's result."""


async def fan_out(
    logins: Logins, act: Callable[[Bmc], Awaitable[str]], pool: Pool | None = None, *, at_once: int = AT_ONCE
) -> AsyncIterator[NodeResult]:
    """Act on the BMC of every node and yield what came out; without a pool, sessions end with the call."""
    own = pool is None
    shared = pool or Pool()
    gate = asyncio.Semaphore(at_once)
    tasks = [asyncio.create_task(_one(node, login, act, shared, gate)) for node, login in logins.items()]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if own:
            shared.close()


async def _one(
    node: str,
    login: BmcLogin | SbkernelError,
    act: Callable[[Bmc], Awaitable[str]],
    pool: Pool,
    gate: asyncio.Semaphore,
) -> NodeResult:
    if isinstance(login, SbkernelError):
        return NodeResult(node, False, login.message)
    async with gate:
        try:
            return NodeResult(node, True, await act(pool.get(login)))
        except BmcError as error:
            return NodeResult(node, False, error.text)
        except Exception as error:
            # A BMC whose answer nobody foresaw must not cost the other nodes their results.
            return NodeResult(node, False, f"unexpected answer from the BMC ({type(error).__name__})")
