"""DHCP and TFTP for nodes on a real network: dnsmasq, run while the site names interfaces to serve."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from sbkernel.errors import SbkernelError, ServiceError
from sbkernel.netboot.makedhcp import makedhcp
from sbkernel.service.children import Child
from sbkernel.service.dhcplines import DhcpLines
from sbkernel.service.interfaces import with_ipv6
from sbkernel.service.progress import BootProgress
from sbkernel.site import Site

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0
_MACS_FOR_S = 5.0
_SETTINGS = ("httpport", "dhcplease")


class Dnsmasq:
    """Serve DHCP on `interfaces` (name to our address there); with none, do nothing."""

    def __init__(self, site: Site, progress: BootProgress, interfaces: Mapping[str, str]) -> None:
        self._site = site
        self._progress = progress
        self._interfaces = interfaces
        self._lines = DhcpLines()
        self._macs: dict[str, str] = {}
        self._macs_read = 0.0
        self._served: object = None
        self._child: Child | None = None
        self._looker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start dnsmasq and follow the store; ServiceError when a network is missing or wrong."""
        if not self._interfaces:
            return
        try:
            await self._look()
        except SbkernelError as error:
            raise ServiceError(f"DHCP: {error.message}", hint=error.hint) from error
        self._looker = asyncio.create_task(self._look_forever())

    async def stop(self) -> None:
        """End dnsmasq."""
        if self._looker:
            self._looker.cancel()
            await asyncio.gather(self._looker, return_exceptions=True)
        if self._child:
            await self._child.stop()

    def children(self) -> list[Child]:
        """Return the process if it should run."""
        return [self._child] if self._child else []

    async def _look(self) -> None:
        """Write the configuration and start dnsmasq anew when what it is made of has changed."""
        networks = self._site.networks
        wanted = (
            {name: dict(networks[name].attributes) for name in networks},
            [self._site.attribute(key) for key in _SETTINGS],
            sorted(with_ipv6(self._interfaces)),
        )
        if wanted == self._served:
            return
        self._served = wanted
        path = makedhcp(self._site, self._interfaces, ipv6=with_ipv6(self._interfaces))
        if self._child:
            await self._child.stop()
        self._child = Child("dnsmasq", ["dnsmasq", f"--conf-file={path}"], self._line)
        self._child.start()

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self._look()
            except SbkernelError as error:
                _log.warning("DHCP goes on as before: %s", error)

    def _line(self, line: str) -> None:
        _log.debug("%s", line)
        lease = self._lines.feed(line)
        node = self._node_of(lease.mac) if lease else None
        if lease and node:
            self._progress.record_seen(node, "dhcp", {"ip": lease.ip})

    def _node_of(self, mac: str) -> str | None:
        now = time.monotonic()
        if mac not in self._macs and now - self._macs_read > _MACS_FOR_S:
            self._macs_read = now
            nodes = self._site.nodes.many(self._site.nodes)
            self._macs = {one: name for name, node in nodes.items() for one in _macs_in(node.peek("mac"))}
        return self._macs.get(mac)


def _macs_in(attribute: str) -> list[str]:
    """Return the addresses of xCAT's `mac` attribute, `mac1!name1|mac2!name2`."""
    return [part.partition("!")[0].strip().lower() for part in attribute.split("|") if part]
