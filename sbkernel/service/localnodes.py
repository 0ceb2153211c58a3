"""Keep the processes of nodes that run on this host: virtual ones and simulated ones, while the site has any."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.service.children import Child
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site

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
        """Start or end processes as the store has nodes for them or none."""
        for process in self._processes:
            await process.look()
