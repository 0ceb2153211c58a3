"""DHCP and TFTP for nodes on a real network: dnsmasq, run while the site names interfaces to serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from sbkernel.errors import SbkernelError, ServiceError
from sbkernel.service.boot.dhcplines import DhcpLines
from sbkernel.service.boot.discovery import Discovery
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.children import Child
from sbkernel.service.interfaces import with_ipv6
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0
_IPV6 = "IPv6 of DHCP interfaces"
_SETTINGS = ("httpport", "dhcplease", "dhcpbackend", "nameservers")


class Dnsmasq:
    """Serve DHCP on `interfaces` (name to our address there); with none, do nothing."""

    def __init__(
        self,
        site: Site,
        loops: Supervisor,
        watcher: Watcher,
        progress: BootProgress,
        discovery: Discovery,
        interfaces: Mapping[str, str],
    ) -> None:
        self._site = site
        self._loops = loops
        self._progress = progress
        self._interfaces = interfaces
        self._lines = DhcpLines()
        self._discovery = discovery
        self._served: object = None
        self._ipv6: list[str] = []
        self._child: Child | None = None
        self._turn = asyncio.Lock()
        self._follower = watcher.follow("settings of DHCP", self._take) if interfaces else None

    async def start(self) -> None:
        """Start dnsmasq and follow the store; ServiceError when a network is missing or wrong."""
        if self._follower is None:
            return
        try:
            await self._follower.catch_up()
        except SbkernelError as error:
            raise ServiceError(f"DHCP: {error.message}", hint=error.hint) from error
        self._follower.start()
        self._loops.start(_IPV6, self._watch_ipv6)

    async def stop(self) -> None:
        """End dnsmasq."""
        await self._loops.stop(_IPV6)
        if self._follower:
            await self._follower.stop()
        if self._child:
            await self._child.stop()

    def children(self) -> list[Child]:
        """Return the process if it should run."""
        return [self._child] if self._child else []

    async def _take(self, news: News) -> None:
        if news.touches("network", "site"):
            await self._serve()

    async def _watch_ipv6(self) -> None:
        """Serve IPv6 as well as soon as an interface has it: the store does not know."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if with_ipv6(self._interfaces) != self._ipv6:
                await self._serve()

    async def _serve(self) -> None:
        """Write the configuration and start dnsmasq anew when what it is made of has changed; if not, it goes on."""
        # Many sites serve no DHCP, and all that boots a node comes with it.
        from sbkernel.netboot.dhcp.makedhcp import makedhcp, roles

        async with self._turn:
            ipv6 = with_ipv6(self._interfaces)
            wanted = (
                {name: dict(network.attributes) for name, network in self._site.networks.items()},
                [self._site.attribute(key) for key in _SETTINGS],
                ipv6,
            )
            if wanted == self._served:
                return
            path = makedhcp(self._site, self._interfaces, ipv6=ipv6)
            _log.info("networks: %s", "; ".join(roles(self._site, self._interfaces)))
            if self._child:
                await self._child.stop()
            self._child = Child(self._loops, "dnsmasq", ["dnsmasq", f"--conf-file={path}"], self._line)
            self._child.start()
            self._served, self._ipv6 = wanted, ipv6

    def _line(self, line: str) -> None:
        _log.debug("%s", line)
        lease = self._lines.feed(line)
        if lease is None:
            return
        node = self._discovery.node_of(lease.mac)
        if node is None:
            self._discovery.heard(lease.mac, {"ip": lease.ip, "interface": lease.interface})
        elif lease.answered:
            self._progress.record_seen(node, "dhcp", {"ip": lease.ip} if lease.ip else {})
