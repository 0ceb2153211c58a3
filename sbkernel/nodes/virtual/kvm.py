"""Control of virtual nodes without a BMC between (mgt=kvm, or power=kvm): their process is asked and told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import DefinitionError
from sbkernel.jobs import localsocket
from sbkernel.nodes.failures import LostAnswerError, NoAnswerError, RefusedError
from sbkernel.nodes.power import READS, BootOverride, PowerChange
from sbkernel.nodes.virtual import orders
from sbkernel.site import Site

ANSWER_S = 30.0
"""Starting QEMU takes seconds where the processor is busy."""
_HINT = "The service runs it and logs why it ended: sb service status; the site's log/service.log and log/virtual.log"


class QemuPower:
    """The power of a virtual node as the process that runs it has it (a Power): the life of its QEMU."""

    def __init__(self, node: str, socket: Path, *, answer_s: float = ANSWER_S) -> None:
        self.node = node
        self.answer_s = answer_s
        self._socket = socket

    async def status(self) -> bool:
        """Return whether its QEMU runs."""
        return bool(await self._call("status"))

    def status_now(self, _heard: Callable[[bool | None], None], /) -> bool:
        """Return False: every question is a connection."""
        return False

    async def change(self, change: PowerChange) -> None:
        """Start, end or reset its QEMU; return when that is done."""
        await self._call("change", change.value)

    async def boot(self) -> BootOverride | None:
        """Return what it boots at its next start instead of the network."""
        return orders.override(await self._call("boot"))

    async def set_boot(self, override: BootOverride | None) -> None:
        """Set what it boots at its next start."""
        await self._call("set_boot", orders.words(override))

    async def _call(self, call: str, value: object = None) -> Any:
        try:
            async with asyncio.timeout(self.answer_s):
                reader, writer = await localsocket.open_connection(self._socket)
        except (OSError, TimeoutError):
            raise NoAnswerError(self.node, "no answer from the process of the virtual nodes", hint=_HINT) from None
        try:
            async with asyncio.timeout(self.answer_s):
                writer.write(orders.encode({"node": self.node, "call": call, "value": value}))
                answer = json.loads(await reader.readline())
        except (OSError, TimeoutError, ValueError):
            if call in READS:
                raise NoAnswerError(self.node, "no answer from the process of the virtual nodes", hint=_HINT) from None
            raise LostAnswerError(self.node, "sent, no answer from the process of the virtual nodes") from None
        finally:
            writer.close()
        if "error" in answer:
            raise RefusedError(self.node, answer["error"].removeprefix(f"{self.node}: "), hint=answer["hint"])
        return answer["value"]


class Kvm:
    """The virtual nodes of a site (a Method); it reaches their power, not their consoles."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def console_key(self, _node: Definition, /) -> None:
        """Return None: consoles of virtual nodes are reached through their simulated BMCs."""

    def login(self, node: Definition) -> str:
        """Return the name of a node. Raises DefinitionError for one that this site does not run."""
        if node.get("vmhost") != LOCAL:
            raise DefinitionError(
                f"{node.name}: kvm reaches only virtual nodes that the site itself runs (vmhost={LOCAL})",
                hint="sb mkvm NODE defines one.",
            )
        return node.name

    def power(self, login: str) -> QemuPower:
        """Return the power of a virtual node."""
        return QemuPower(login, self._site.run / orders.SOCKET)

    def maintenance(self, login: str) -> NoReturn:
        """Raise DefinitionError."""
        raise DefinitionError(f"{login}: kvm tells nothing of hardware", hint="sb chdef NODE mgt=ipmi bmc=ADDRESS")

    def console(self, login: str) -> NoReturn:
        """Raise DefinitionError."""
        raise DefinitionError(f"{login}: kvm reaches no console", hint="sb chdef NODE cons=ipmi bmc=ADDRESS")

    async def log_out(self) -> None:
        """Do nothing: there are no sessions."""

    def close(self) -> None:
        """Do nothing: no connection outlives a call."""
