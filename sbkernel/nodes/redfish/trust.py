"""The certificates and keys of BMCs that the site knows: written when first seen, before any password is sent."""

from __future__ import annotations

import asyncio

from sbkernel.site import Site

_GATHER_S = 0.02


class Pins:
    """Writes what is seen within a moment in one transaction, as a thousand BMCs may be seen at once."""

    def __init__(self, site: Site, attribute: str = "bmcfingerprint") -> None:
        self._site = site
        self._attribute = attribute
        self._pending: dict[str, str] = {}
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, node: str, fingerprint: str) -> None:
        """Note what a node's BMC has shown in its definition; return when it is there."""
        self._pending[node] = fingerprint
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        await asyncio.sleep(_GATHER_S)
        pending, self._pending, self._writing = self._pending, {}, None
        await asyncio.to_thread(self._store, pending)

    def _store(self, pending: dict[str, str]) -> None:
        known = self._site.nodes.many(pending)
        changes = {node: {self._attribute: fingerprint} for node, fingerprint in pending.items() if node in known}
        self._site.change("node", changes, f"{self._attribute} of BMCs")
