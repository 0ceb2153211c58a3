"""How power changes on one node: its console listens before, and what was done is noted in its logs."""

from __future__ import annotations

import asyncio
import time

from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.nodes.failures import LostAnswerError, NoAnswerError
from sbkernel.nodes.power import Power, PowerChange
from sbkernel.nodes.rpower import carry_out
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.console.consoles import Consoles
from sbkernel.service.power import canary
from sbkernel.service.power.safety import Care
from sbkernel.site import Site

_CONSOLE_S = 3.0
_VIRTUAL_S = 20.0
_VIRTUAL_EVERY_S = 0.2


class PowerHands:
    """What the service does to the power of one node at a time."""

    def __init__(self, site: Site, consoles: Consoles, progress: BootProgress) -> None:
        self._site = site
        self._consoles = consoles
        self._progress = progress

    async def state(self, power: Power) -> bool:
        """Return whether a node has power; what answers for a virtual one may have been started only now."""
        began = time.monotonic()
        while True:
            try:
                return await power.status()
            except NoAnswerError:
                if time.monotonic() >= began + _VIRTUAL_S or not self._is_virtual(power.node):
                    raise
            await asyncio.sleep(_VIRTUAL_EVERY_S)

    async def there(self, power: Power) -> None:
        """Return when what answers for a virtual node is there; others are there, or not."""
        if self._is_virtual(power.node):
            await self.state(power)

    async def send(self, power: Power, change: PowerChange, action: str) -> None:
        """Send a change, and note at the node's console and in its boot log that it was made."""
        if change.starts:
            await self._console_ready(power.node)
        began = time.time()
        try:
            await carry_out(power, change)
        except LostAnswerError:
            self._note(power.node, f"{action}, no answer")
            raise
        self._note(power.node, action)
        self._record(power.node, change, action, began)

    async def well(self, power: Power, change: PowerChange, care: Care) -> None:
        """Return when a canary has the power that was sent, and has booted so far as is asked for."""
        if care.until:
            await canary.booted(self._site, power.node, care.until, care.within_s)
        elif change != PowerChange.NMI:
            await canary.powered(power, change, care.within_s)

    def _is_virtual(self, node: str) -> bool:
        return self._site.nodes[node].peek("vmhost") == LOCAL

    async def _console_ready(self, node: str) -> None:
        """Wait a moment for the node's console: its first words tell why a boot fails."""
        console = self._consoles.find(node)
        if console and not await console.ready(_CONSOLE_S):
            console.note("not connected at power on")

    def _note(self, node: str, event: str) -> None:
        if console := self._consoles.find(node):
            console.note(f"power: {event}")

    def _record(self, node: str, change: PowerChange, action: str, when: float) -> None:
        if change.starts:
            self._progress.record(node, "power-on", {"action": action}, when)
        elif change.leaves is False:
            self._progress.set_status(node, "powering-off")
