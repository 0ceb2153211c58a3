"""Watch the serial console of a node, and type into it when the switch is on.

The view shows the log of the console, which the service always writes. There is a connection to the console only while
typing is on.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import anywidget
import traitlets
from markupsafe import Markup

from sbkernel.errors import SbkernelError
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.site import Site
from sbkernel.workbench.calls import Call, call
from sbkernel.workbench.nodes import boot
from sbkernel.workbench.nodes.shortened import Mender, mended
from sbkernel.workbench.panel import Panel

_STATIC = Path(__file__).parents[1] / "static"
_LOOK_S = 0.1
_CHUNK_BYTES = 256 * 1024


class ConsoleWidget(anywidget.AnyWidget):
    """The terminal in the page. Bytes travel as binary messages, so that no widget state grows."""

    _esm = _STATIC / "console.js"
    _css = _STATIC / "console.css"
    node = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    typing = traitlets.Bool(False).tag(sync=True)


class Typist:
    """Carry keys to the console of a node in a thread of its own. Errors are shown as a note."""

    def __init__(self, site: Site, node: str, widget: ConsoleWidget) -> None:
        self._root, self._node, self._widget = site.root, node, widget
        self._keys: queue.Queue[bytes | None] = queue.Queue()

    def switch(self, on: bool) -> None:
        """Open or close the connection; returns at once."""
        if on:
            self._keys = queue.Queue()
            threading.Thread(target=self._carry, args=[self._keys], name=f"typing-{self._node}", daemon=True).start()
        else:
            self._keys.put(None)

    def type(self, text: str) -> None:
        """Send keys; they are dropped while there is no connection."""
        self._keys.put(text.encode())

    def _carry(self, keys: queue.Queue[bytes | None]) -> None:
        self._widget.note = "connecting …"
        try:
            with Site.open(self._root) as site, Service(site).console(self._node) as line:
                self._widget.note = "what you type goes to the node"
                threading.Thread(target=_drain, args=[line], daemon=True).start()
                while (data := keys.get()) is not None:
                    line.sendall(data)
            self._widget.note = ""
        except (SbkernelError, OSError) as error:
            self._widget.note = str(error).splitlines()[0]
            self._widget.typing = False


def _drain(line: Any) -> None:
    """Read what the console sends. The log shows it, but an unread socket would block the sender."""
    with contextlib.suppress(OSError):
        while line.recv(65536):
            continue


class ConsoleView(Panel):
    """The console of one node: a terminal in a live session, its last lines in a record."""

    def __init__(self, site: Site, node: str, *, lines: int = 24) -> None:
        self.site, self.node, self.lines = site, node, lines
        self._path = site.consoles / f"{node}.log"
        self._ended = threading.Event()
        super().__init__()

    def html(self) -> Markup:
        """Return the last lines as HTML."""
        return boot.console_lines(self.site, self.node, self.lines).html

    def text(self) -> str:
        """Return the last lines without colours."""
        return boot.console_lines(self.site, self.node, self.lines).text

    def calls(self) -> Sequence[Call]:
        """Return how the console is read and opened without this panel."""
        return [call("read and type", verbs.console_tail, self.node, sb=["rcons", self.node])]

    def about(self) -> dict[str, Any]:
        """Return the node."""
        return {"node": self.node}

    def widget(self) -> ConsoleWidget:
        """Return the terminal, which follows the log until the view is settled."""
        made = ConsoleWidget(node=self.node)
        typist = Typist(self.site, self.node, made)
        made.observe(lambda change: typist.switch(bool(change["new"])), "typing")
        made.on_msg(lambda _widget, message, _buffers: self._on_message(made, typist, message))
        return made

    def show(self) -> Self:
        """Display the console and follow it."""
        super().show()
        if self._widget is not None:
            threading.Thread(target=self._follow, name=f"console-{self.node}", daemon=True).start()
        return self

    def settle(self) -> None:
        """Replace the terminal by its last lines."""
        self._ended.set()
        super().settle()

    def _on_message(self, widget: ConsoleWidget, typist: Typist, message: dict[str, Any]) -> None:
        if message["kind"] == "hello":  # a page has (re)drawn the terminal
            widget.send({"kind": "tail"}, buffers=[mended(boot.tail(self._path))])
        elif message["kind"] == "typed":
            typist.type(message["data"])

    def _follow(self) -> None:
        read, mender = self._size(), Mender()
        while not self._ended.wait(_LOOK_S):
            size = self._size()
            if size < read:  # a new log
                read = 0
            if size > read:
                data = self._read(max(read, size - _CHUNK_BYTES), size)
                read = size
                self._widget.send({"kind": "out"}, buffers=[mender.feed(data)])

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _read(self, start: int, end: int) -> bytes:
        with self._path.open("rb") as stream:
            stream.seek(start)
            return stream.read(end - start)
