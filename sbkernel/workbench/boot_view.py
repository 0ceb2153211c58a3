"""Watch nodes boot: show their timelines as they grow, and wait for the login prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Sequence
from typing import Any

from markupsafe import Markup

from sbkernel.errors import NodeError
from sbkernel.netboot import bootlog
from sbkernel.netboot.bootlog import BootEvent
from sbkernel.service.verbs import console_tail, wait_for
from sbkernel.site import Site
from sbkernel.workbench import boot
from sbkernel.workbench.html import card, chip, heading, muted, table
from sbkernel.workbench.panel import Panel

_LOOK_S = 0.5
_AS_TIMELINES = 4


class BootView(Panel):
    """The boots of some nodes that begin from now on. Make the view, power the nodes, then `await` the view.

    `await` returns the digest of the image that each node reports, when its user space is ready and its login prompt
    was seen. It raises NodeError for the first node that fails, or is not ready `timeout_s` seconds after the view
    was made.
    """

    def __init__(self, site: Site, nodes: Sequence[str], *, timeout_s: float = 600.0) -> None:
        self.site, self.nodes, self.timeout_s = site, list(nodes), timeout_s
        self._since = time.time()
        super().__init__()

    def __await__(self) -> Generator[Any, None, dict[str, str]]:
        return self._wait().__await__()

    def html(self) -> Markup:
        """Return a timeline for each node, or one table for many nodes."""
        if len(self.nodes) <= _AS_TIMELINES:
            return Markup("").join(boot.card_of(node, self._events(node)) for node in self.nodes)
        rows = [(node, *self._last(node)) for node in self.nodes]
        arrived = sum(stage in ("login", "userspace") for _, stage, _ in rows)
        cells = [(node, chip(stage or "waiting", boot.tone(stage)), after) for node, stage, after in rows]
        return card(
            heading("Boot", muted(f"{arrived} of {len(rows)} are up")), table(["node", "stage", "after"], cells)
        )

    def text(self) -> str:
        """Return a line for each node."""
        return "\n".join(f"{node}: {' '.join(self._last(node)).strip() or 'waiting'}" for node in self.nodes)

    def about(self) -> dict[str, Any]:
        """Return the last stage of each node."""
        return {"stages": {node: self._last(node)[0] for node in self.nodes}}

    def reported(self) -> dict[str, str]:
        """Return the digest of the image that each node reports; "" for a node that has not reported it."""
        said = {node: [event["image"] for event in self._events(node) if event.get("image")] for node in self.nodes}
        return {node: (digests or [""])[-1] for node, digests in said.items()}

    async def _wait(self) -> dict[str, str]:
        if self._handle is None:
            self.show()
        try:
            while not all(self._arrived(node) for node in self.nodes):
                await asyncio.sleep(_LOOK_S)
                self.refresh()
        finally:
            self.refresh()
        return self.reported()

    def _arrived(self, node: str) -> bool:
        stages = {event["stage"] for event in self._events(node)}
        missing = [stage for stage in self._wanted(node) if stage not in stages]
        if missing and "failed" in stages:
            wait_for(self.site, node, missing[0], timeout_s=0)  # raises with the reason
        if missing and time.time() > self._since + self.timeout_s:
            last = self._last(node)[0] or "it has reported nothing"
            tail = console_tail(self.site, node)
            why = f"no {missing[0]} within {self.timeout_s:g} s; last: {last}"
            raise NodeError(node, why, hint=f"its console ends with:\n{tail}" if tail else None)
        return not missing

    def _wanted(self, node: str) -> tuple[str, ...]:
        """Return the stages that end a boot. The login prompt is seen only if there is a console."""
        return ("userspace", "login") if self.site.nodes[node].get("cons") else ("userspace",)

    def _events(self, node: str) -> list[BootEvent]:
        """Return the events of the boot that began after this view was made."""
        events = bootlog.read(self.site, node)
        return events if events and events[0]["t"] >= self._since else []

    def _last(self, node: str) -> tuple[str, str]:
        return boot.last(self._events(node))
