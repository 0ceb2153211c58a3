"""Nodes that ask for the files that are kept for their boot get them over ssh, some together, from another process."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import Process
from contextlib import suppress

from sbkernel.jobs.command import module_environment
from sbkernel.jobs.spawn import PIPE, spawn_async
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

_log = logging.getLogger(__name__)
_LOOP = "files for nodes that boot"
_MODULE = "sbkernel.nodes.remote.atboot"
"""It imports much that this process never needs."""
_GATHER_S = 0.3
"""Nodes that boot together ask together."""
_AT_ONCE = 4


class BootFiles:
    """Who asks is served once at a time, however often he asks meanwhile."""

    def __init__(self, site: Site, loops: Supervisor) -> None:
        self._site = site
        self._loops = loops
        self._asked: set[str] = set()
        self._served: set[str] = set()
        self._is_asked = asyncio.Event()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to serve."""
        self._loops.start(_LOOP, self._serve_forever)

    async def stop(self) -> None:
        """End what is being sent; a node that was not told asks again."""
        await self._loops.stop(_LOOP)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def ask(self, node: str) -> None:
        """Note that a node asks."""
        self._asked.add(node)
        self._is_asked.set()

    async def _serve_forever(self) -> None:
        while True:
            await self._is_asked.wait()
            await asyncio.sleep(_GATHER_S)
            async with self._gate:
                self._is_asked.clear()
                nodes, self._asked = self._asked - self._served, set()
            if nodes:
                self._served |= nodes
                task = asyncio.create_task(self._serve(sorted(nodes)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _serve(self, nodes: list[str]) -> None:
        try:
            async with self._gate:
                await self._send(nodes)
        finally:
            self._served.difference_update(nodes)

    async def _send(self, nodes: list[str]) -> None:
        argv = [sys.executable, "-m", _MODULE, str(self._site.root)]
        process = await spawn_async(argv, env=module_environment(), stdin=PIPE, stderr=PIPE)
        try:
            _, said = await process.communicate("\n".join(nodes).encode())
        except BaseException:
            _kill(process)
            raise
        for line in said.decode(errors="replace").splitlines():
            _log.info("%s", line)


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
