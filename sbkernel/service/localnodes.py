"""Keep the processes of nodes that run on this host: virtual ones and simulated ones, while the site has any."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.nodes.practice.state import state
from sbkernel.service.children import Child
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site

_PATIENCE_S = 20.0
_LOOK_EVERY_S = 0.1
_log = logging.getLogger(__name__)


class NodeProcess:
    """A module that runs every node which is of its kind."""

    def __init__(
        self,
        site: Site,
        loops: Supervisor,
        watcher: Watcher,
        name: str,
        module: str,
        mine: Callable[[Definition], bool],
    ) -> None:
        argv = [sys.executable, "-m", module, "--site", str(site.root)]
        self._child = Child(loops, name, argv, lambda line: _log.info("%s", line))
        self._mine = mine
        self._names: set[str] = set()
        self._running = False
        self._follower = watcher.follow(f"whether there are {name}", self._take)

    async def start(self) -> None:
        """Start the process if there are such nodes, and follow the store."""
        self._follower.start()

    async def stop(self) -> None:
        """End the process and with it every such node."""
        await self._follower.stop()
        await self._child.stop()

    def children(self) -> list[Child]:
        """Return the process if it should run."""
        return [self._child] if self._running else []

    async def look(self) -> None:
        """Start or end the process as the store has such nodes or none."""
        await self._follower.catch_up()

    async def _take(self, news: News) -> None:
        kept = set() if news.everything else self._names - news.nodes.keys()
        self._names = kept | {name for name, node in news.nodes.items() if node and self._mine(node)}
        wanted = bool(self._names)
        if wanted == self._running:
            return
        self._running = wanted
        if wanted:
            self._child.start()
        else:
            await self._child.stop()


class LocalNodes:
    """The processes of all nodes that this host runs itself."""

    def __init__(self, site: Site, loops: Supervisor, watcher: Watcher) -> None:
        kinds: tuple[tuple[str, str, Callable[[Definition], bool]], ...] = (
            ("virtual nodes", "sbkernel.nodes.virtual", lambda node: node.peek("vmhost") == LOCAL),
            ("simulated nodes", "sbkernel.nodes.practice", lambda node: bool(node.peek("simulated"))),
        )
        self._processes = [NodeProcess(site, loops, watcher, *kind) for kind in kinds]
        self._simulated = self._processes[-1]
        self._site = site
        self._ready: int | None = None

    async def start(self) -> None:
        """Start what is needed."""
        for process in self._processes:
            await process.start()

    async def stop(self) -> None:
        """End all."""
        for process in self._processes:
            await process.stop()

    def children(self) -> list[Child]:
        """Return the processes that should run."""
        return [child for process in self._processes for child in process.children()]

    async def look(self) -> None:
        """Start or end processes as the store has nodes for them or none.

        A process of simulated nodes that was started only now is waited for: some of its nodes never answer, so that
        nobody can tell later whether one is dead or not there yet.
        """
        for process in self._processes:
            await process.look()
        deadline = time.monotonic() + _PATIENCE_S
        while not await self._simulated_are_there() and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _simulated_are_there(self) -> bool:
        pids = [child.pid for child in self._simulated.children()]
        if pids and pids[0] != self._ready:
            self._ready = (await asyncio.to_thread(state, self._site)).pid
        return not pids or (pids[0] is not None and pids[0] == self._ready)
