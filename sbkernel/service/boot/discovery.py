"""Machines that ask how to boot and are no nodes, as DHCP and the boot server hear of them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sbkernel.errors import SbkernelError
from sbkernel.netboot import discovery
from sbkernel.netboot.discovery import Machine, macs_in
from sbkernel.netboot.names import dashed_mac
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site

if TYPE_CHECKING:
    from aiohttp import web

_log = logging.getLogger(__name__)
_LOOP = "discovered machines"
_FLUSH_S = 1.0
_PENDING = 1000
_ASKS_EVERY_S = 5
"""boot.ipxe waits so long between two questions."""
_LEAST = 4
_WAIT_S = 300


class Discovery:
    """Which machine is which node, and the list of those that are none; it is written once a second at most.

    `interfaces` gives our address on each interface that DHCP serves.
    """

    def __init__(self, site: Site, loops: Supervisor, watcher: Watcher, interfaces: Mapping[str, str]) -> None:
        self._site = site
        self._loops = loops
        self._interfaces = {address: name for name, address in interfaces.items()}
        self._macs = Macs()
        self._wait_s = _WAIT_S
        self._pending: dict[str, Machine] = {}
        self._strangers: OrderedDict[str, None] = OrderedDict()
        self._is_pending = asyncio.Event()
        self._follower = watcher.follow("MAC addresses of nodes", self._take)

    async def start(self) -> None:
        """Begin to follow the nodes and to write the list."""
        await self._follower.catch_up()
        self._follower.start()
        self._loops.start(_LOOP, self._flush_forever)

    async def stop(self) -> None:
        """Write what is pending."""
        await self._follower.stop()
        await self._loops.stop(_LOOP)
        try:
            discovery.note(self._site, self._taken())
        except OSError as error:
            _log.error("machines discovered last are lost: %s", error)

    def node_of(self, mac: str) -> str | None:
        """Return the node that has a MAC address, None when none has."""
        return self._macs.get(mac)

    def heard(self, mac: str, told: Mapping[str, str]) -> None:
        """Note a machine, unless it is a node. While too many are made up, new ones are not noted."""
        try:
            one = discovery.sighting(mac, time.time(), told)
        except SbkernelError:
            return
        if self.node_of(one.mac) is not None:
            return
        if one.mac in self._pending:
            one = discovery.together(self._pending[one.mac], one)
        elif len(self._pending) >= _PENDING:
            return
        self._pending[one.mac] = one
        self._is_pending.set()

    async def answer(self, request: web.Request) -> web.Response:
        """Note the machine of a request of boot.ipxe, and say how often it may ask before it boots something else."""
        told = _told(request.rel_url.raw_query_string)
        firmware = " ".join(filter(None, (told.get("platform"), told.get("buildarch"))))
        self.heard(told.get("mac", ""), {**told, "firmware": firmware, "interface": self._interface(request)})
        # One that has asked more often by now, since the setting was changed, must find its own number to stop.
        wait_s = self._wait_s if self._waits(told.get("mac", "")) else 0
        most = max(_LEAST, wait_s // _ASKS_EVERY_S, _number(told.get("tries", "")))
        from aiohttp import web

        return web.Response(text=f"#!ipxe\nset most:int32 {most}\n")

    def _waits(self, mac: str) -> bool:
        """Tell whether a machine is to wait: one that is no node, or has become one and is not set to anything yet.

        A node that was one before goes on after a few questions, as its disk may hold a system.
        """
        try:
            address = dashed_mac(mac).replace("-", ":")
        except SbkernelError:
            return False
        node = self.node_of(address)
        if node is None:
            self._strangers[address] = None
            if len(self._strangers) > _PENDING:
                self._strangers.popitem(last=False)
            return True
        return address in self._strangers and node in self._site.nodes and not self._site.nodes[node].peek("currstate")

    def _interface(self, request: web.Request) -> str:
        name = request.transport.get_extra_info("sockname") if request.transport else None
        return self._interfaces.get(name[0], name[0]) if name else ""

    async def _take(self, news: News) -> None:
        self._macs.take(news)
        if news.touches("site"):
            self._wait_s = int(self._site.attribute("discoverwait", str(_WAIT_S)))

    async def _flush_forever(self) -> None:
        while True:
            await self._is_pending.wait()
            await asyncio.sleep(_FLUSH_S)
            # What cannot be written is dropped: the machines ask again.
            await asyncio.to_thread(discovery.note, self._site, self._taken())

    def _taken(self) -> list[Machine]:
        pending, self._pending = self._pending, {}
        self._is_pending.clear()
        return list(pending.values())


def _told(query: str) -> dict[str, str]:
    """Return the words of a query of iPXE, which writes a blank as %20 and leaves + as it is."""
    parts = (part.partition("=") for part in query.split("&"))
    return {key: unquote(value) for key, _, value in parts}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


class Macs:
    """Which node has which MAC address."""

    def __init__(self) -> None:
        self._node_of: dict[str, str] = {}
        self._of_node: dict[str, list[str]] = {}

    def get(self, mac: str) -> str | None:
        """Return the node that has an address, None when none has."""
        return self._node_of.get(mac)

    def take(self, news: News) -> None:
        """Take in changed nodes."""
        for name in list(self._of_node) if news.everything else news.nodes:
            for mac in self._of_node.pop(name, []):
                self._node_of.pop(mac, None)
        for name, node in news.nodes.items():
            if node is not None and (macs := macs_in(node.peek("mac"))):
                self._of_node[name] = macs
                self._node_of |= dict.fromkeys(macs, name)
