"""How boots go, as the service sees it: every stage goes into the boot log and becomes the node's status."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping

from sbkernel.errors import SbkernelError
from sbkernel.netboot import bootlog
from sbkernel.service.posts import STATUS_OF_STAGE
from sbkernel.site import Site

_log = logging.getLogger(__name__)
Data = Mapping[str, str | int | float]
_FLUSH_S = 0.2
_STARTS = frozenset({"power-on", "dhcp", "ipxe", "kernel", "initrd"})


class BootProgress:
    """Record stages at once; write node.status and statustime a little later, one write a node at most."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # A connection of its own: waiting for another writer must not hold up who reads.
        self._writer = Site.open(site.root, create=False)
        self._pending: dict[str, tuple[str, float]] = {}
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to write statuses."""
        self._flusher = asyncio.create_task(self._flush_forever())

    async def stop(self) -> None:
        """Write what is pending."""
        if self._flusher:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        self._flush()
        self._writer.close()

    def record(self, node: str, stage: str, data: Data | None = None, t: float | None = None) -> None:
        """Append a stage to the boot log of a node (`t`: when, else now) and set its status."""
        _log.info("%s: %s", node, stage)
        try:
            bootlog.append(self._site, node, stage, t, **(data or {}))
        except OSError as error:
            _log.error("cannot write the boot log of %s: %s", node, error)
        self.set_status(node, STATUS_OF_STAGE[stage])

    def record_seen(self, node: str, stage: str, data: Data | None = None) -> None:
        """Record a stage that can be seen again and again (a prompt) once a boot."""
        if self._is_news(node, stage):
            self.record(node, stage, data)

    def set_status(self, node: str, status: str) -> None:
        """Set the status of a node as of now."""
        self._pending[node] = (status, time.time())

    def _is_news(self, node: str, stage: str) -> bool:
        for event in reversed(bootlog.read(self._site, node)):
            if event["stage"] == stage:
                return False
            if event["stage"] in _STARTS:
                return True
        return True

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            if self._pending:
                await asyncio.to_thread(self._flush)

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        known = self._writer.nodes.many(pending)
        changes = {node: {"status": pending[node][0], "statustime": _xcat_time(pending[node][1])} for node in known}
        try:
            self._writer.change("node", changes, "status")
        except SbkernelError as error:
            _log.warning("cannot set the status of %s: %s", ", ".join(changes), error.message)


def _xcat_time(when: float) -> str:
    return time.strftime("%m-%d-%Y %H:%M:%S", time.localtime(when))
