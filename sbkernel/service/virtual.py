"""Keep the process of the virtual nodes running while the site has any."""

from __future__ import annotations

import asyncio
import logging
import sys

from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import SbkernelError
from sbkernel.service.children import Child
from sbkernel.site import Site

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 1.0


class VirtualNodes:
    """`python -m sbkernel.nodes.virtual` simulates the BMC of every node with vmhost=localhost."""

    def __init__(self, site: Site) -> None:
        self._site = site
        argv = [sys.executable, "-m", "sbkernel.nodes.virtual", "--site", str(site.root)]
        self._child = Child("virtual nodes", argv, lambda line: _log.info("%s", line))
        self._running = False
        self._looker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process if there are virtual nodes, and follow the store."""
        await self.look()
        self._looker = asyncio.create_task(self._look_forever())

    async def stop(self) -> None:
        """End the process and with it every virtual node."""
        if self._looker:
            self._looker.cancel()
            await asyncio.gather(self._looker, return_exceptions=True)
        await self._child.stop()

    def children(self) -> list[Child]:
        """Return the process if it should run."""
        return [self._child] if self._running else []

    async def look(self) -> None:
        """Start or end the process as the store has virtual nodes or none."""
        nodes = self._site.nodes.many(self._site.nodes)
        wanted = any(node.peek("vmhost") == LOCAL for node in nodes.values())
        if wanted == self._running:
            return
        self._running = wanted
        if wanted:
            self._child.start()
        else:
            await self._child.stop()

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look()
            except SbkernelError as error:
                _log.warning("cannot read the nodes: %s", error)
