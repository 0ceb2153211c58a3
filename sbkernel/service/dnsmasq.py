"""DHCP and TFTP for nodes on a real network: dnsmasq, run while the site names interfaces to serve."""

from __future__ import annotations

from sbkernel.service.children import Child
from sbkernel.service.progress import BootProgress
from sbkernel.site import Site


class Dnsmasq:
    """Placeholder until netboot.dhcp lands."""

    def __init__(self, site: Site, progress: BootProgress) -> None:
        self._site = site
        self._progress = progress

    async def start(self) -> None:
        """Start."""

    async def stop(self) -> None:
        """Stop."""

    def children(self) -> list[Child]:
        """Return children."""
        return []
