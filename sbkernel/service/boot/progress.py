"""How boots go, as the service sees it: every stage goes into the boot log and becomes the node's status."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from sbkernel.errors import SbkernelError
from sbkernel.netboot import bootlog
from sbkernel.service.boot.posts import status_after
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

_log = logging.getLogger(__name__)
Data = Mapping[str, str | int | float]
_FLUSH_S = 0.2
_NEWS_S = 1.0
_NEWS_BYTES = 64 * 1024
_LOOP = "status of nodes"
_STARTS = frozenset({"power-on", "dhcp", "ipxe", "grub", "kernel", "initrd"})


class BootProgress:
    """Record stages at once; write node.status and statustime a little later, one write a node at most.

    While the store cannot be written, statuses wait, the last of each node. `leases` has the address that our DHCP
    server gave last to each node.
    """

    def __init__(self, site: Site, loops: Supervisor) -> None:
        self._site = site
        self.leases: dict[str, str] = {}
        self._seen_again: dict[str, dict[str, float]] = {}
        # A connection of its own: waiting for another writer must not hold up who reads.
        self._writer = Site.open(site.root, create=False)
        self._pending: dict[str, tuple[str, float]] = {}
        self._is_pending = asyncio.Event()
        self._loops = loops

    async def start(self) -> None:
        """Begin to write statuses."""
        self._loops.start(_LOOP, self._flush_forever)

    async def stop(self) -> None:
        """Write what is pending."""
        await self._loops.stop(_LOOP)
        try:
            await self._flush()
        except SbkernelError as error:
            _log.error("the last status of %s is lost: %s", ", ".join(self._pending), error.message)
        finally:
            self._writer.close()

    def record(self, node: str, stage: str, data: Data | None = None, t: float | None = None) -> None:
        """Append a stage to the boot log of a node (`t`: when, else now) and set its status."""
        _log.info("%s: %s", node, stage)
        if stage in _STARTS:
            self._seen_again.pop(node, None)
        try:
            bootlog.append(self._site, node, stage, t, **(data or {}))
        except OSError as error:
            _log.error("cannot write the boot log of %s: %s", node, error)
        if status := status_after(self._stages(node) if stage == "login" else (), stage):
            self.set_status(node, status)

    def record_seen(self, node: str, stage: str, data: Data | None = None) -> None:
        """Record a stage that can be seen again and again (a prompt) once a boot."""
        if stage == "dhcp" and data and "ip" in data:
            self.leases[node] = str(data["ip"])
        now = time.monotonic()
        again = self._seen_again.setdefault(node, {})
        if now < again.get(stage, 0.0):
            return  # a console may repeat a prompt thousands of times a second
        if self._is_news(node, stage):
            self.record(node, stage, data)
        else:
            again[stage] = now + _NEWS_S

    def set_status(self, node: str, status: str) -> None:
        """Set the status of a node as of now."""
        self._pending[node] = (status, time.time())
        self._is_pending.set()

    def _is_news(self, node: str, stage: str) -> bool:
        return stage not in self._stages(node)

    def _stages(self, node: str) -> set[str]:
        """Return the stages that the boot which began last has reached; none if its log cannot be read."""
        try:
            events = bootlog.read_end(self._site, node, _NEWS_BYTES)
        except OSError as error:
            _log.error("cannot read the boot log of %s: %s", node, error)
            return set()
        starts = [number for number, event in enumerate(events) if event["stage"] in _STARTS]
        return {event["stage"] for event in events[starts[-1] if starts else 0 :]}

    async def _flush_forever(self) -> None:
        while True:
            await self._is_pending.wait()
            await asyncio.sleep(_FLUSH_S)
            await self._flush()

    async def _flush(self) -> None:
        """Write what is pending; if that fails, it stays pending, but for what was newer by then."""
        pending, self._pending = self._pending, {}
        self._is_pending.clear()
        try:
            if pending:
                await asyncio.to_thread(self._write, pending)
        except BaseException:
            self._pending = {**pending, **self._pending}
            self._is_pending.set()
            raise

    def _write(self, pending: Mapping[str, tuple[str, float]]) -> None:
        """Write statuses in one change; a node that is gone by now has none."""
        with self._writer.store.write("status") as transaction:
            for node, values in transaction.get_many("node", list(pending)).items():
                status, when = pending[node]
                transaction.put("node", node, {**values, "status": status, "statustime": _xcat_time(when)})


def _xcat_time(when: float) -> str:
    return time.strftime("%m-%d-%Y %H:%M:%S", time.localtime(when))
