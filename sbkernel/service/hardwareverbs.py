"""The verbs rinv, rvitals, reventlog and rbeacon inside the service: what controllers tell of the hardware of nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from sbkernel.nodes import rbeacon as light
from sbkernel.nodes import reventlog, rinv, rvitals
from sbkernel.nodes.failures import NoAnswerError
from sbkernel.nodes.fanout import fan_out
from sbkernel.nodes.maintenance import Maintenance
from sbkernel.nodes.methods import Hardware
from sbkernel.service.control import Verb
from sbkernel.service.protocol import Message
from sbkernel.site import Site

T = TypeVar("T")

AT_ONCE = 1024
"""They share few threads; what waits for one is not at work yet."""
TELL_S = 240.0
"""How long one node may take for all of it; the controllers have deadlines of their own for each answer."""
Told = tuple[str, Sequence[Any]]
"""What is printed for a node, and the values behind it."""


class HardwareVerbs:
    """Inventory, sensors, event log and light of nodes; one message a node, with `rows` for tables."""

    def __init__(self, site: Site, hardware: Hardware) -> None:
        self._site = site
        self._hardware = hardware

    def verbs(self) -> dict[str, Verb]:
        """Return the verbs by name."""
        return {"rinv": self.rinv, "rvitals": self.rvitals, "reventlog": self.reventlog, "rbeacon": self.rbeacon}

    def rinv(self, request: Message) -> AsyncIterator[Message]:
        """Tell what `noderange` is made of, as far as `action` asks."""
        return self._tell(request, rinv.check_inventory, lambda node: node.inventory(), rinv.wanted, rinv.lines)

    def rvitals(self, request: Message) -> AsyncIterator[Message]:
        """Tell what the sensors of `noderange` say, as far as `action` asks."""
        return self._tell(request, rvitals.check_vitals, lambda node: node.readings(), rvitals.wanted, rvitals.lines)

    async def _tell(
        self,
        request: Message,
        check: Callable[[str], None],
        ask: Callable[[Maintenance], Awaitable[Sequence[T]]],
        wanted: Callable[[Sequence[T], str], Sequence[T]],
        lines: Callable[[Sequence[T], str], str],
    ) -> AsyncIterator[Message]:
        what = str(request.get("action"))
        check(what)

        async def act(node: Maintenance) -> Told:
            found = wanted(await ask(node), what)
            return lines(found, what), found

        async for message in self._each(request, act):
            yield message

    async def reventlog(self, request: Message) -> AsyncIterator[Message]:
        """Show or clear the event logs of `noderange`; `action` is a number, all, or clear."""
        what, newest_first = str(request.get("action")), bool(request.get("newest_first"))
        most = reventlog.count(what)

        async def act(node: Maintenance) -> Told:
            if what == reventlog.CLEAR:
                await node.clear_events()
                return what, ()
            entries = reventlog.wanted(await node.events(), most, newest_first=newest_first)
            return reventlog.lines(entries), entries

        async for message in self._each(request, act):
            yield message

    async def rbeacon(self, request: Message) -> AsyncIterator[Message]:
        """Switch or show the lights of `noderange`."""
        action = str(request.get("action"))
        light.check_beacon(action)

        async def act(node: Maintenance) -> Told:
            return await light.rbeacon(node, action), ()

        async for message in self._each(request, act):
            yield message

    async def _each(self, request: Message, act: Callable[[Maintenance], Awaitable[Told]]) -> AsyncIterator[Message]:
        if "nodes" in request:
            nodes = list(dict.fromkeys(str(name) for name in request["nodes"]))
        else:
            nodes = self._site.noderange(str(request.get("noderange")))
        rows: dict[str, list[dict[str, Any]]] = {}

        async def told(node: Maintenance) -> str:
            try:
                async with asyncio.timeout(TELL_S):
                    text, values = await act(node)
            except TimeoutError:
                raise NoAnswerError(node.node, f"its controller did not tell all within {TELL_S:.0f} s") from None
            rows[node.node] = [asdict(value) for value in values]
            return text

        async for result in fan_out(await self._hardware.maintenances(nodes), told, at_once=AT_ONCE):
            yield {**asdict(result), "rows": rows.pop(result.node, [])}
