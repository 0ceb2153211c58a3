"""Ask many nodes at once whether they answer, and which services do."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sbkernel.nodes.remote.ping import ping

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
    return await _connect(address, timeout_s, says=_BANNER) is True


async def _connect(address: Address, timeout_s: float, *, says: bytes = b"") -> bool | None:
    """Tell whether a service answers, which begins with some bytes; False if the host refuses, None for silence."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address)
            try:
                return not says or await reader.readexactly(len(says)) == says or None
            finally:
                writer.close()
    except ConnectionRefusedError:
        return False
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return None


PORTS = {"https": 443, "pbs": 15002, "sshd": 22, "xend": 8002}
"""The services that xCAT's nodestat asks for, and their ports."""


@dataclass(frozen=True)
class Answer:
    """Whether a node answers at all, and which services do; `known` is false for a name without an address."""

    alive: bool
    services: Mapping[str, bool]
    known: bool = True


def services(nodes: Mapping[str, Address], timeout_s: float = TIMEOUT_S) -> dict[str, Answer]:
    """Return what answers on each node, given as host and port of its sshd; all are asked at once.

    Where that port is not 22, another process answers for the node, and only what sshd itself says counts.
    """
    hosts = {host for host, port in nodes.values() if port == PORTS["sshd"]}
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        pinged = thread.submit(ping, hosts, timeout_s)
        found = run(_all({name: _services(address, timeout_s) for name, address in nodes.items()}))
        alive = pinged.result()
    return {
        name: replace(answer, alive=True, known=True) if nodes[name][0] in alive else answer
        for name, answer in found.items()
    }


async def _services(address: Address, timeout_s: float) -> Answer:
    host, port = address
    if port != PORTS["sshd"]:
        speaks = await _speaks(address, timeout_s)
        return Answer(speaks, {"sshd": speaks})
    try:
        await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return Answer(False, dict.fromkeys(PORTS, False), known=False)
    asked = [
        _connect((host, number), timeout_s, says=_BANNER if name == "sshd" else b"") for name, number in PORTS.items()
    ]
    answers = await asyncio.gather(*asked)
    found = {name: answer is True for name, answer in zip(PORTS, answers, strict=True)}
    return Answer(any(answer is not None for answer in answers), found)
