"""The verbs rpower and rsetboot inside the service: fan out, and note what really happened to each node."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import asdict

from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import SbkernelError
from sbkernel.nodes.bmc import Bmc
from sbkernel.nodes.chassis import Control
from sbkernel.nodes.failures import NoAnswerError
from sbkernel.nodes.fanout import Logins, fan_out
from sbkernel.nodes.logins import logins
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.rpower import decide
from sbkernel.nodes.rsetboot import rsetboot
from sbkernel.service.consoles import Consoles
from sbkernel.service.progress import BootProgress
from sbkernel.service.protocol import Message
from sbkernel.service.safety import check_count
from sbkernel.service.virtual import VirtualNodes
from sbkernel.site import Site

_CONSOLE_S = 3.0
_VIRTUAL_S = 20.0
_STARTS = frozenset({Control.ON, Control.RESET, Control.CYCLE})
_ENDS = frozenset({Control.OFF, Control.SOFT})


class Power:
    """Power and boot device of nodes; one BMC session is shared with the console."""

    def __init__(
        self, site: Site, pool: Pool, consoles: Consoles, virtual: VirtualNodes, progress: BootProgress
    ) -> None:
        self._site = site
        self._pool = pool
        self._consoles = consoles
        self._virtual = virtual
        self._progress = progress

    async def rpower(self, request: Message) -> AsyncIterator[Message]:
        """Carry out `action` on `noderange`; one message a node. `confirm` is the count for mass changes."""
        nodes, action = self._site.noderange(str(request.get("noderange"))), str(request.get("action"))
        decide(action, False)
        check_count(action, nodes, request.get("confirm"))
        targets = await self._targets(nodes)
        async for result in fan_out(targets, lambda bmc: self._power(bmc, action), self._pool):
            yield asdict(result)

    async def rsetboot(self, request: Message) -> AsyncIterator[Message]:
        """Set or show the next boot device of `noderange`; one message a node."""
        nodes, action = self._site.noderange(str(request.get("noderange"))), str(request.get("action"))
        persistent, uefi = bool(request.get("persistent")), bool(request.get("uefi"))
        async for result in rsetboot(await self._targets(nodes), action, self._pool, persistent=persistent, uefi=uefi):
            yield asdict(result)

    async def _targets(self, nodes: list[str]) -> Logins:
        """Return how to reach the BMCs; consoles of new nodes are opened first, so that no early word is lost."""
        await self._virtual.look()
        await self._consoles.look()
        without = {node: self._unmanaged(node) for node in nodes}
        found = logins(self._site, [node for node in nodes if not without[node]])
        return {node: without[node] or found[node] for node in nodes}

    def _unmanaged(self, node: str) -> SbkernelError | None:
        definition = self._site.nodes[node]
        method = definition.get("power") or definition.get("mgt")
        if method == "ipmi":
            return None
        if not method:
            return SbkernelError("Unable to identify plugin for this command, check relevant tables: nodehm.power,mgt")
        return SbkernelError(f"mgt={method} is not supported, only ipmi")

    async def _power(self, bmc: Bmc, action: str) -> str:
        control, text = decide(action, await self._state(bmc))
        if control is None:
            return text
        node, began = bmc.login.node, time.time()
        if control in _STARTS:
            await self._console_ready(node)
            began = time.time()
        await bmc.control(control)
        self._note(node, control, action, began)
        return text

    async def _state(self, bmc: Bmc) -> bool:
        """Return whether a node has power; a virtual one's BMC may have been started only now."""
        virtual = self._site.nodes[bmc.login.node].get("vmhost") == LOCAL
        deadline = time.monotonic() + _VIRTUAL_S * virtual
        while True:
            try:
                return await bmc.power()
            except NoAnswerError:
                if time.monotonic() >= deadline:
                    raise

    async def _console_ready(self, node: str) -> None:
        """Wait a moment for the node's console: its first words tell why a boot fails."""
        console = self._consoles.find(node)
        if console and not await console.ready(_CONSOLE_S):
            console.note("not connected at power on")

    def _note(self, node: str, control: Control, action: str, when: float) -> None:
        if console := self._consoles.find(node):
            console.note(f"power: {action}")
        if control in _STARTS:
            self._progress.record(node, "power-on", {"action": action}, when)
        elif control in _ENDS:
            self._progress.set_status(node, "powering-off")
