"""The verbs rpower and rsetboot inside the service: fan out, and note what really happened to each node."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict

from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import SbkernelError
from sbkernel.nodes.failures import LostAnswerError, NoAnswerError
from sbkernel.nodes.fanout import fan_out
from sbkernel.nodes.methods import Hardware
from sbkernel.nodes.power import Power, PowerChange
from sbkernel.nodes.rpower import carry_out, decide
from sbkernel.nodes.rsetboot import check_device, rsetboot
from sbkernel.service.consoles import Consoles
from sbkernel.service.progress import BootProgress
from sbkernel.service.protocol import Message
from sbkernel.service.safety import check_count
from sbkernel.service.virtual import VirtualProcess
from sbkernel.site import Site

_CONSOLE_S = 3.0
_VIRTUAL_S = 20.0
_VIRTUAL_EVERY_S = 0.2


class PowerVerbs:
    """Power and boot device of nodes."""

    def __init__(
        self, site: Site, hardware: Hardware, consoles: Consoles, virtual: VirtualProcess, progress: BootProgress
    ) -> None:
        self._site = site
        self._hardware = hardware
        self._consoles = consoles
        self._virtual = virtual
        self._progress = progress

    async def rpower(self, request: Message) -> AsyncIterator[Message]:
        """Carry out `action` on `noderange`; one message a node. `confirm` is the count for mass changes."""
        nodes, action = self._nodes(request), str(request.get("action"))
        decide(action, False)
        check_count(action, nodes, request.get("confirm"))
        async for result in fan_out(await self._powers(nodes), lambda power: self._power(power, action)):
            yield asdict(result)

    async def rsetboot(self, request: Message) -> AsyncIterator[Message]:
        """Set or show the next boot device of `noderange`; one message a node."""
        nodes, device = self._nodes(request), str(request.get("action"))
        persistent, uefi = bool(request.get("persistent")), bool(request.get("uefi"))
        check_device(device)

        async def act(power: Power) -> str:
            if self._is_virtual(power.node):
                await self._state(power)
            return await rsetboot(power, device, persistent=persistent, uefi=uefi)

        async for result in fan_out(await self._powers(nodes), act):
            yield asdict(result)

    def _nodes(self, request: Message) -> list[str]:
        """Return the nodes of a request: those it names one by one, or those of its noderange as it is now."""
        if "nodes" in request:
            return list(dict.fromkeys(str(name) for name in request["nodes"]))
        return self._site.noderange(str(request.get("noderange")))

    async def _powers(self, nodes: list[str]) -> Mapping[str, Power | SbkernelError]:
        """Return how to reach the nodes; consoles of new ones are opened first, so that no early word is lost."""
        await self._virtual.look()
        await self._consoles.look()
        return await self._hardware.powers(nodes)

    async def _power(self, power: Power, action: str) -> str:
        change, text = decide(action, await self._state(power))
        if change is None:
            return text
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
        return text

    async def _state(self, power: Power) -> bool:
        """Return whether a node has power; what answers for a virtual one may have been started only now."""
        deadline = time.monotonic() + _VIRTUAL_S * self._is_virtual(power.node)
        while True:
            try:
                return await power.status()
            except NoAnswerError:
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(_VIRTUAL_EVERY_S)

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
