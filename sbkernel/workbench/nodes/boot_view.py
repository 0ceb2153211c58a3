"""Watch nodes boot: show their timelines as they grow, and wait for the login prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Sequence
from typing import Any

import ipywidgets
from markupsafe import Markup

from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import NodeError
from sbkernel.netboot import bootlog
from sbkernel.netboot.bootlog import BootEvent
from sbkernel.netboot.diagnosis.seen import Diagnosis
from sbkernel.netboot.timeline import timeline
from sbkernel.service.boots import boots
from sbkernel.service.nodestat import nodestat
from sbkernel.service.stuck import BootLooks, Stuck, stuck
from sbkernel.service.verbs import boot_hint, wait_for
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.displays.stuck import rows_of
from sbkernel.workbench.html import card, chip, div, heading, muted, table
from sbkernel.workbench.nodes import boot
from sbkernel.workbench.panel import Panel

_LOOK_S = 0.5
_DIAGNOSE_S = 5.0
_AS_TIMELINES = 4
_UP = ("login", "userspace")


class BootView(Panel):
    """The boots of some nodes that begin from now on. Make the view, power the nodes, then `await` the view.

    `await` returns the digest of the image that each node reports, when its user space is ready and its login prompt
    was seen. It raises NodeError for the first node that fails, or is not ready `timeout_s` seconds after the view
    was made; unless `strict`, such a node only reports no digest.
    """

    def __init__(self, site: Site, nodes: Sequence[str], *, timeout_s: float = 600.0, strict: bool = True) -> None:
        self.site, self.nodes, self.timeout_s = site, list(nodes), timeout_s
        self._strict = strict
        self._since = time.time()
        self._looks = BootLooks(site)
        self._found: dict[str, Diagnosis] = {}
        self._looked = -_DIAGNOSE_S
        self._waits = False
        super().__init__()

    def __await__(self) -> Generator[Any, None, dict[str, str]]:
        return self._wait().__await__()

    def html(self) -> Markup:
        """Return a timeline for each node, or one table for many nodes; with each, why a boot does not go on."""
        self._look()
        if len(self.nodes) <= _AS_TIMELINES:
            cards = (boot.card_of(node, self._events(node), self._found.get(node)) for node in self.nodes)
            return Markup("").join(cards)
        rows = [(node, *self._last(node)) for node in self.nodes]
        arrived = sum(stage in _UP for _, stage, _ in rows)
        cells = [(node, chip(stage or "waiting", boot.tone(stage)), after) for node, stage, after in rows]
        bad = rows_of(Stuck(tuple(self._found.values())))
        return card(
            heading("Boot", muted(f"{arrived} of {len(rows)} are up")),
            div(heading("Nodes that are not well"), bad) if bad else None,
            table(["node", "stage", "after"], cells),
        )

    def text(self) -> str:
        """Return a line for each node."""
        self._look()
        return "\n".join(self._line(node) for node in self.nodes)

    def calls(self) -> Sequence[Call]:
        """Return how the same is seen without this panel."""
        names = fold(self.nodes)
        if not names:
            return []
        return [
            call("now", nodestat, names, sb=["nodestat", names]),
            call("every stage", boots, names, sb=["nodestat", names, "--timeline"]),
            call("why not", stuck, names, sb=["stuck", names, "-v"]),
        ]

    def widget(self) -> ipywidgets.HTML:
        """Return the page, which is changed in its place while somebody reads it."""
        return ipywidgets.HTML(value=str(self.html()))

    def refresh(self) -> None:
        """Show how far the nodes are by now."""
        if self._widget is None:
            super().refresh()
        else:
            self._widget.value = str(self.html())
            self.say(self._summary())

    def _summary(self) -> str:
        stages = [self._last(node)[0] for node in self.nodes]
        up, bad = sum(stage in _UP for stage in stages), len(self._found)
        return f"{up} of {len(stages)} nodes are up" + (f", {bad} not well" if bad else "")

    def _line(self, node: str) -> str:
        found = self._found.get(node)
        return str(found) if found else f"{node}: {' '.join(self._last(node)).strip() or 'waiting'}"

    def _look(self) -> None:
        """Look why boots do not go on, now and then: of those that have begun and have not come up."""
        if time.monotonic() - self._looked < _DIAGNOSE_S and self._waits:
            return
        nodes = [node for node in self.nodes if (events := self._events(node)) and self._missing(node, events)]
        self._found = {one.node: one for one in self._looks.at(nodes).not_well}
        self._looked = time.monotonic()

    def about(self) -> dict[str, Any]:
        """Return the last stage of each node, and for those that are up, after how many seconds they were."""
        rows = {node: timeline(events) for node in self.nodes if (events := self._events(node))}
        arrived = {node: found[-1].seconds for node, found in rows.items() if found[-1].stage in ("login", "userspace")}
        return {"stages": {node: self._last(node)[0] for node in self.nodes}, "boots": arrived}

    def reported(self) -> dict[str, str]:
        """Return the digest of the image that each node reports; "" for a node that has not reported it."""
        said = {node: [event["image"] for event in self._events(node) if event.get("image")] for node in self.nodes}
        return {node: (digests or [""])[-1] for node, digests in said.items()}

    async def _wait(self) -> dict[str, str]:
        if self._handle is None:
            self.show()
        self._waits = True
        try:
            while [node for node in self.nodes if not self._arrived(node)]:  # each is asked: one may have failed
                await asyncio.sleep(_LOOK_S)
                self.refresh()
        finally:
            self._waits = False
            self.refresh()
            self.settle()
        return self.reported()

    def _arrived(self, node: str) -> bool:
        events = self._events(node)
        stages = {event["stage"] for event in events}
        missing = self._missing(node, events)
        if missing and not self._strict:
            return "failed" in stages or time.time() > self._since + self.timeout_s
        if missing and "failed" in stages:
            wait_for(self.site, node, missing[0], timeout_s=0)  # raises with the reason
        if missing and time.time() > self._since + self.timeout_s:
            last = self._last(node)[0] or "it has reported nothing"
            why = f"no {missing[0]} within {self.timeout_s:g} s; last: {last}"
            raise NodeError(node, why, hint=boot_hint(self.site, node))
        return not missing

    def _missing(self, node: str, events: Sequence[BootEvent]) -> list[str]:
        stages = {event["stage"] for event in events}
        return [stage for stage in self._wanted(node) if stage not in stages]

    def _wanted(self, node: str) -> tuple[str, ...]:
        """Return the stages that end a boot. The login prompt is seen only if there is a console."""
        return ("userspace", "login") if self.site.nodes[node].get("cons") else ("userspace",)

    def _events(self, node: str) -> list[BootEvent]:
        """Return the events of the boot that began after this view was made."""
        events = bootlog.read(self.site, node)
        return events if events and events[0]["t"] >= self._since else []

    def _last(self, node: str) -> tuple[str, str]:
        return boot.last(self._events(node))
