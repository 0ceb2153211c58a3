"""A grid of thousands of nodes: a cell each, by rack, that follows their states; what is chosen is a noderange."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Self

import anywidget
import traitlets
from markupsafe import Markup

from sbkernel.definitions.ranges.fold import fold
from sbkernel.errors import SbkernelError
from sbkernel.service import verbs
from sbkernel.service.nodestates import STATES, WRONG, NodeState, NodeStates, node_states
from sbkernel.service.stuck import stuck
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.foot import STATIC
from sbkernel.workbench.html import MONO, TONES, card, div, heading, muted, span, table
from sbkernel.workbench.panel import Panel

_LOOK_S = 1.0
_HELD = 0x80
_NUMBERS = {state: number for number, state in enumerate(STATES)}
# The mark of a state says it without a colour, and in a terminal.
_MARKS = {"up": "■", "booting": "◧", "stuck": "▲", "failed": "✕", "off": "□", "unknown": "·"}
_TONES = {"up": "ok", "booting": "busy", "stuck": "warn", "failed": "bad", "off": "quiet", "unknown": "quiet"}


class GridWidget(anywidget.AnyWidget):
    """The grid in the page: one canvas. A state is a byte a node, in the order of the names."""

    _esm = STATIC / "grid.js"
    _css = STATIC / "grid.css"
    legend: Any = traitlets.List([[state, _TONES[state]] for state in STATES]).tag(sync=True)
    places: Any = traitlets.List().tag(sync=True)
    states = traitlets.Bytes(b"").tag(sync=True)
    chosen: Any = traitlets.List().tag(sync=True)
    noderange = traitlets.Unicode().tag(sync=True)


class NodeGrid(Panel):
    """The states of the nodes of a noderange, all nodes if it is empty. `value` is what is chosen, as a noderange.

    `by` is the attribute that says where a node stands: rack, groups or another one. Headless, `value` is empty.
    """

    def __init__(self, site: Site, noderange: str = "", *, by: str = "rack") -> None:
        self.site, self.noderange, self.by = site, noderange, by
        self.states = node_states(site, noderange, by=by)
        self._wrong = _wrong(self.states)
        self._ended = threading.Event()
        super().__init__()

    @property
    def value(self) -> str:
        """Return the chosen nodes as a noderange, or "" if none is chosen."""
        return str(self._widget.noderange) if self._widget is not None else ""

    def html(self) -> Markup:
        """Return a mark for each node, by place, and the nodes of each state but the commonest."""
        states = self.states
        rows = [(muted(place or "elsewhere"), _cells(names, states)) for place, names in states.places.items()]
        commonest = max(states.counts, key=lambda state: states.counts[state], default="")
        named = [(state, states.counts[state], _wrapped(fold(states.of(state)))) for state in states.counts]
        lists = [row for row in named if row[0] != commonest or row[0] in WRONG]
        held = [name for name, one in states.items() if one.held]
        lists += [("held", len(held), _wrapped(fold(held)))] if held else []
        return card(
            heading(f"Nodes {self.noderange}".strip(), muted(states.summary)),
            _legend(),
            div(*(_place(*row) for row in rows), style="max-height:460px;overflow:auto"),
            table(["state", "nodes", "which"], lists, numeric=[1]) if lists else None,
        )

    def text(self) -> str:
        """Return the nodes of each state."""
        return str(self.states)

    def calls(self) -> Sequence[Call]:
        """Return how the same is seen without this panel; once nodes are chosen, of those."""
        nodes = self.value if self._foot is not None and self.value else self.noderange or fold(self.states)
        if not nodes:
            return []
        return [
            call("states", node_states, nodes, sb=["lsdef", nodes, "-i", "status,rack,held"]),
            call("why not", stuck, nodes, sb=["stuck", nodes, "-v"]),
            call("power", verbs.rpower, nodes, "stat", sb=["rpower", nodes, "stat"]),
        ]

    def widget(self) -> GridWidget:
        """Return the grid."""
        made = GridWidget()
        self._names: list[str] = []
        self._fill(made)
        made.observe(lambda change: self._choose(made, change["new"]), "chosen")
        return made

    def show(self) -> Self:
        """Display the grid and keep it up to date until it is settled."""
        super().show()
        if self._widget is not None:
            threading.Thread(target=self._follow, name="grid", daemon=True).start()
        return self

    def settle(self) -> None:
        """Replace the grid by the present states."""
        self._ended.set()
        super().settle()

    def refresh(self) -> None:
        """Look at the nodes now."""
        if self._widget is None:
            self.states.look()
        super().refresh()

    def _fill(self, widget: GridWidget) -> None:
        """Put the states into the page: a byte a node, and the names only if they are others than before."""
        places = self.states.places
        names = [name for nodes in places.values() for name in nodes]
        packed = bytes(map(_packed, map(self.states.__getitem__, names)))
        if names != self._names or not widget.places:
            chosen = [self._names[index] for index in widget.chosen if index < len(self._names)]
            self._names = names
            with widget.hold_sync():  # the page must not see the states of other names
                widget.places = [[place, nodes] for place, nodes in places.items()]
                widget.states = packed
                widget.chosen = sorted(map(names.index, set(chosen) & set(names)))
        else:
            widget.states = packed

    def _choose(self, widget: GridWidget, chosen: Sequence[int]) -> None:
        names = self._names
        widget.noderange = fold(names[index] for index in chosen if 0 <= index < len(names))
        self.say(f"{len(chosen)} nodes are chosen")

    def _follow(self) -> None:
        with Site.open(self.site.root) as site:  # threads cannot share a store
            states = node_states(site, self.noderange, by=self.by)
            self._take(states)
            while not self._ended.wait(_LOOK_S):
                # A store that cannot be read now, or a group that is gone, may be there later.
                with contextlib.suppress(SbkernelError, OSError):
                    if states.look():
                        self._take(states)

    def _take(self, states: NodeStates) -> None:
        self.states = states
        self._fill(self._widget)
        before, self._wrong = self._wrong, _wrong(states)
        if before != self._wrong:
            self.say(states.summary)


def _wrong(states: NodeStates) -> list[int]:
    return [states.counts.get(state, 0) for state in WRONG]


def _packed(one: NodeState) -> int:
    return _NUMBERS[one.state] | (_HELD if one.held else 0)


def _place(label: object, cells: Markup) -> Markup:
    return div(
        div(label, style="width:110px;flex:none;overflow:hidden;text-overflow:ellipsis;white-space:nowrap"),
        div(cells, style=f"{MONO};font-size:13px;line-height:1.25;letter-spacing:2px;overflow-wrap:anywhere"),
        style="display:flex;gap:10px",
    )


def _cells(names: Sequence[str], states: Mapping[str, NodeState]) -> Markup:
    """Return a mark for each node. Neighbours of one state share a style and a title, which keeps thousands small."""
    runs = groupby(names, key=lambda name: states[name][:2])
    return Markup("").join(_run(list(run), *key) for key, run in runs)


def _run(names: Sequence[str], state: str, held: bool) -> Markup:
    title = f"{fold(names)}: {state}{', held' if held else ''}"
    return _marks(state, len(names), ";text-decoration:underline" if held else "", title=title)


def _marks(state: str, count: int, more: str = "", **attributes: str) -> Markup:
    """Return marks as a picture, which may have the colour of its tone."""
    return span(_MARKS[state] * count, style=f"color:{TONES[_TONES[state]]}{more}", role="img", **attributes)


def _legend() -> Markup:
    keys = [span(_marks(state, 1, aria_hidden="true"), f" {state}", style="margin-right:14px") for state in STATES]
    held = span(span(" _ ", style="text-decoration:underline"), " held")
    return div(*keys, held, style="font-size:12px;margin-bottom:6px")


def _wrapped(text: str) -> Markup:
    return div(text, style="white-space:normal;overflow-wrap:anywhere;max-width:700px")
