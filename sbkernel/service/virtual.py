"""Keep the process of the virtual nodes running while the site has any."""

from __future__ import annotations

import logging
import sys

from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.service.children import Child
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site

_log = logging.getLogger(__name__)


class VirtualProcess:
    """`python -m sbkernel.nodes.virtual` runs every node with vmhost=localhost."""

    def __init__(self, site: Site, loops: Supervisor, watcher: Watcher) -> None:
        argv = [sys.executable, "-m", "sbkernel.nodes.virtual", "--site", str(site.root)]
        self._child = Child(loops, "virtual nodes", argv, lambda line: _log.info("%s", line))
        self._names: set[str] = set()
        self._running = False
        self._follower = watcher.follow("whether there are virtual nodes", self._take)

    async def start(self) -> None:
        """Start the process if there are virtual nodes, and follow the store."""
        self._follower.start()

    async def stop(self) -> None:
        """End the process and with it every virtual node."""
        await self._follower.stop()
        await self._child.stop()

    def children(self) -> list[Child]:
        """Return the process if it should run."""
        return [self._child] if self._running else []

    async def look(self) -> None:
        """Start or end the process as the store has virtual nodes or none."""
        await self._follower.catch_up()

    async def _take(self, news: News) -> None:
        kept = set() if news.everything else self._names - news.nodes.keys()
        self._names = kept | {name for name, node in news.nodes.items() if node and node.peek("vmhost") == LOCAL}
        wanted = bool(self._names)
        if wanted == self._running:
            return
        self._running = wanted
        if wanted:
            self._child.start()
        else:
            await self._child.stop()
