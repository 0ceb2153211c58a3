"""A table of nodes with buttons for power and holds. A button does the same as the verb on the command line."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import anywidget
import traitlets
from markupsafe import Markup

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.holds import hold, hold_of, release
from sbkernel.errors import SbkernelError
from sbkernel.nodes.results import NodeResult
from sbkernel.service import verbs
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, Code, call
from sbkernel.workbench.foot import STATIC
from sbkernel.workbench.html import card, chip, div, heading, muted, table
from sbkernel.workbench.panel import Panel

_LOOK_S = 1.0
_KEPT_ROWS = 200
_TONES = {"on": "ok", "login": "ok", "booted": "ok", "userspace": "ok", "failed": "bad", "off": "quiet", "": "quiet"}

_Row = dict[str, str]


class NodeTableWidget(anywidget.AnyWidget):
    """The table in the page. All rows travel together, so it is for some hundred nodes."""

    _esm = STATIC / "nodes.js"
    _css = STATIC / "nodes.css"
    rows: Any = traitlets.List().tag(sync=True)
    busy = traitlets.Bool(False).tag(sync=True)


class NodeTable(Panel):
    """The nodes of a noderange with their power, boot status, image and holds; buttons in a live session."""

    def __init__(self, site: Site, noderange: str) -> None:
        self.site, self.noderange = site, noderange
        self._power: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._noted = 0
        self._count = len(site.noderange(noderange))
        self._ended = threading.Event()
        super().__init__()

    def rows(self, site: Site | None = None) -> list[_Row]:
        """Return one row for each node."""
        site = site or self.site
        names = site.noderange(self.noderange)
        nodes = site.nodes.many(names)
        self._count = len(names)  # the calls are told in threads, which cannot ask the store
        return [self._row(nodes[name]) for name in names if name in nodes]

    def html(self) -> Markup:
        """Return the table as HTML."""
        rows = self.rows()
        columns = _columns(rows)
        cells = [
            [chip(r["power"] or "?", r["power_tone"]) if name == "power" else r[name] for name in columns]
            for r in rows[:_KEPT_ROWS]
        ]
        cut = len(rows) - len(cells)
        return card(
            heading(f"Nodes {self.noderange}", muted(f"{len(rows)}")),
            table(columns, cells),
            div(muted(f"and {cut} more")) if cut else None,
        )

    def text(self) -> str:
        """Return a line for each node."""
        return "\n".join(_line(row) for row in self.rows())

    def calls(self) -> Sequence[Call]:
        """Return what the buttons do, of all nodes of the table."""
        nodes, many = self.noderange, self._count
        names, why = Code(f"site.noderange({nodes!r})"), "waits for a new DIMM"
        boot = ["rpower", nodes, "boot", "--confirm", str(many)]
        return [
            call("status", verbs.rpower, nodes, "stat", sb=["rpower", nodes, "stat"]),
            call("power", verbs.rpower, nodes, "boot", confirm=many, sb=boot),
            call("hold", hold, names, why, on="site.store", sb=["hold", nodes, "--reason", why]),
            call("release", release, names, on="site.store", sb=["release", nodes]),
        ]

    def take(self, results: Any) -> None:
        """Show the results of a power verb, one NodeResult for each node."""
        for result in results:
            self._note(result)
        self.refresh()

    def widget(self) -> NodeTableWidget:
        """Return the table with its buttons."""
        made = NodeTableWidget(rows=self.rows())
        made.on_msg(lambda _widget, message, _buffers: self._on_message(message))
        return made

    def show(self) -> Self:
        """Display the table and keep it up to date until it is settled."""
        super().show()
        if self._widget is not None:
            threading.Thread(target=self._follow, name="nodes", daemon=True).start()
        return self

    def settle(self) -> None:
        """Replace the buttons by the present table."""
        self._ended.set()
        super().settle()

    def _row(self, node: Definition) -> _Row:
        power, status = self._power.get(node.name, ""), node.peek("status")
        return {
            "node": node.name,
            "power": power,
            "power_tone": _TONES.get(power, "warn"),
            "status": status,
            "status_tone": _TONES.get(status, "busy"),
            "image": node.peek("provmethod"),
            "since": _clock(node.peek("statustime")),
            "held": f"{held.who}: {held.why}" if (held := hold_of(node)) else "",
            "said": self._said.get(node.name, ""),
        }

    def _note(self, result: NodeResult) -> None:
        if result.ok and result.text.split()[-1:] in (["on"], ["off"], ["reset"]):
            self._power[result.node] = "off" if result.text.endswith("off") else "on"
        said = f"{result.text}. {result.hint}" if result.hint else result.text
        self._said[result.node] = "" if result.ok and result.text in ("on", "off") else said
        self._noted += 1

    def _on_message(self, message: Mapping[str, Any]) -> None:
        arguments = [str(message["action"]), [str(node) for node in message["nodes"]], str(message.get("reason", ""))]
        threading.Thread(target=self._press, args=arguments, name="power", daemon=True).start()

    def _press(self, action: str, nodes: list[str], reason: str = "") -> None:
        self._widget.busy = True
        try:
            with Site.open(self.site.root) as site:  # threads cannot share a store
                self._do(site, action, nodes, reason)
            self.say(f"{action}: done for {len(nodes)} nodes")
        except (SbkernelError, OSError) as error:
            self._said |= dict.fromkeys(nodes, str(error).splitlines()[0])
            self._noted += 1
            self.say(f"{action}: {str(error).splitlines()[0]}")
        finally:
            self._widget.busy = False

    def _do(self, site: Site, action: str, nodes: list[str], reason: str) -> None:
        """Do it to nodes by name: these were asked about, whatever the noderange of the table is by now."""
        if action in ("hold", "release"):
            hold(site.store, nodes, reason) if action == "hold" else release(site.store, nodes)
            self._said |= dict.fromkeys(nodes, "")
            self._noted += 1
            return
        for result in verbs.rpower_each(site, nodes, action, confirm=len(nodes)):
            self._note(result)

    def _follow(self) -> None:
        """Bring the rows up to date whenever a definition or what we were told has changed."""
        with Site.open(self.site.root) as site:
            seen: tuple[int, int] | None = None
            while not self._ended.wait(_LOOK_S):
                # A store that cannot be read now can be read later; until then the rows stay.
                with contextlib.suppress(SbkernelError):
                    now = site.store.revision(), self._noted
                    if now != seen:
                        self._widget.rows = self.rows(site)
                        seen = now


def _columns(rows: Sequence[_Row]) -> list[str]:
    """Return the columns of a table; one for holds only if there is any."""
    held = ["held"] if any(row["held"] for row in rows) else []
    return ["node", "power", "status", "image", "since", *held, "said"]


def _line(row: _Row) -> str:
    held = f" held by {row['held']}" if row["held"] else ""
    return f"{row['node']}: {row['power'] or '?'} {row['status']} {row['image']}".rstrip() + held


def _clock(text: str) -> str:
    try:
        return datetime.fromtimestamp(float(text)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return text.partition(" ")[2] or text
