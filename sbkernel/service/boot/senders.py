"""Whose an address is, as far as the store and our DHCP server know: whether a post may come from there.

HTTP proves nothing, so this keeps a node from speaking for another one; it does not keep out who takes its address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Literal

from sbkernel.definitions.definition import Definition
from sbkernel.service.connections import is_here
from sbkernel.service.watcher import News, Watcher

Standing = Literal["own", "unknown", "other"]
_ADDRESS = re.compile(r"[0-9a-fA-F:.]+")
_NICIPS = "nicips."
_SERVERS = ("servicenode", "xcatmaster", "nfsserver", "tftpserver")


class Senders:
    """The addresses of all nodes: what the store says, and `leases`, those that our DHCP server gives meanwhile."""

    def __init__(self, leases: Mapping[str, str], watcher: Watcher | None = None) -> None:
        self._leases = leases
        self._of_node: dict[str, frozenset[str]] = {}
        self._nodes_at: dict[str, set[str]] = {}
        self._servers: dict[str, frozenset[str]] = {}
        self._follower = watcher.follow("addresses of nodes", self._hear) if watcher else None

    async def start(self) -> None:
        """Follow the store."""
        if self._follower:
            self._follower.start()

    async def stop(self) -> None:
        """Stop following."""
        if self._follower:
            await self._follower.stop()

    def standing(self, node: str, address: str) -> Standing:
        """Return whether an address is a node's own, of another node, or one of which nothing is known.

        This host's own addresses are those of its virtual nodes. A node's servers may pass on what it says.
        """
        own = self._of_node.get(node, frozenset())
        if is_here(address) or address in own or address == self._leases.get(node):
            return "own"
        holders = {name for name, leased in self._leases.items() if leased == address}
        others = (self._nodes_at.get(address, set()) | holders) - {node}
        servers = self._servers.get(node, frozenset())
        if address in servers or others & servers:
            return "own"
        if others:
            return "other"
        return "unknown" if own or node in self._leases else "own"

    async def _hear(self, news: News) -> None:
        self.take(news)

    def take(self, news: News) -> None:
        """Take in changed nodes."""
        if news.everything:
            self._of_node, self._nodes_at, self._servers = {}, {}, {}
        for name in news.nodes:
            self._servers.pop(name, None)
            for address in self._of_node.pop(name, ()):
                self._nodes_at[address].discard(name)
        for node in filter(None, news.nodes.values()):
            self._add(node)

    def _add(self, node: Definition) -> None:
        values = node.attributes.sound
        words = " ".join(value for key, value in values.items() if key == "ip" or key.startswith(_NICIPS))
        if found := frozenset(_addresses(words)):
            self._of_node[node.name] = found
            for address in found:
                self._nodes_at.setdefault(address, set()).add(node.name)
        if servers := " ".join(values.get(key, "") for key in _SERVERS).replace(",", " ").split():
            self._servers[node.name] = frozenset(servers)


def _addresses(text: str) -> set[str]:
    """Return the addresses in a text such as xCAT's nicips, `eth0!10.0.0.1|10.0.1.1,eth1!fe80::1`."""
    return {str(found) for word in re.split(r"[\s,!|]+", text) if (found := _address(word))}


def _address(word: str) -> object:
    if not _ADDRESS.fullmatch(word):
        return None
    try:
        return ip_address(word)
    except ValueError:
        return None
