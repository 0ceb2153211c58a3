"""Ask many nodes at once whether they answer, and which services do."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, TypeVar

TIMEOUT_S = 3.0
AT_ONCE = 500
_BANNER = b"SSH-"
T = TypeVar("T")

Address = tuple[str, int]


def answering(addresses: Mapping[str, Address], timeout_s: float = TIMEOUT_S) -> dict[str, bool]:
    """Tell of each address whether an sshd answers there.

    It must say so: the port of a virtual node is open while the node is not.
    """
    return run(_all({name: _speaks(address, timeout_s) for name, address in addresses.items()}))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a loop of its own, also where one runs already, as in a notebook."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def _all(works: Mapping[str, Coroutine[Any, Any, T]]) -> dict[str, T]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(work: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await work

    return dict(zip(works, await asyncio.gather(*map(one, works.values())), strict=True))


async def _speaks(address: Address, timeout_s: float) -> bool:
    """Tell whether an sshd answers: it begins by saying so (RFC 4253, 4.2)."""
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address)
            try:
                return await reader.readexactly(len(_BANNER)) == _BANNER
            finally:
                writer.close()
    return False
