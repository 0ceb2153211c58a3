"""The serial consoles of all nodes: logged always, watched for prompts and panics, shared by who attaches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable

from sbkernel.definitions.secret import is_reference
from sbkernel.errors import SbkernelError
from sbkernel.nodes.methods import Console, Hardware
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.console.conlog import ConsoleLog
from sbkernel.service.console.hub import Hub, notice
from sbkernel.service.console.sightings import ConsoleWatch
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site

_log = logging.getLogger(__name__)
_RETRY_LOGINS_S = 60.0
_RETRY_LOGINS = "logins of consoles"
_CLOSE_S = 5.0


class NodeConsole:
    """One node's console: its connection, its log, what was seen on it, and who is attached."""

    def __init__(self, node: str, line: Console, log: ConsoleLog, on_sighting: Callable[[str, str, str], None]) -> None:
        self.node = node
        self.line = line
        self.hub = Hub()
        self.log = log
        self.state = "connecting"
        self.heard: float | None = None
        self._watch = ConsoleWatch()
        self._on_sighting = on_sighting
        line.on_bytes, line.on_event = self._on_bytes, self._on_event

    async def ready(self, timeout_s: float) -> bool:
        """Try to connect now, whatever failed before; return whether it is connected within the time."""
        if not self.line.connected:
            await self.line.close()
            with contextlib.suppress(TimeoutError):
                await self.line.open(timeout_s)
        return self.line.connected

    async def close(self) -> None:
        """Give the console back and close its log."""
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.line.close(), _CLOSE_S)
        finally:
            self.log.close()

    def note(self, event: str) -> None:
        """Note an event (a power change) at this place of the log."""
        self.log.event(event)

    def _on_bytes(self, data: bytes) -> None:
        self.heard = time.time()
        self.log.write(data)
        self.hub.broadcast(data)
        for sighting in self._watch.feed(data):
            self._on_sighting(self.node, sighting.stage, sighting.text)

    def _on_event(self, line: str) -> None:
        self.state = line.removeprefix("console").removeprefix(":").strip()
        self.log.event(self.state)
        self.hub.broadcast(notice(line))


class Consoles:
    """The consoles of every node that has one within reach, as the store has them at any time."""

    def __init__(
        self, site: Site, hardware: Hardware, loops: Supervisor, watcher: Watcher, progress: BootProgress
    ) -> None:
        self._site = site
        self._hardware = hardware
        self._loops = loops
        self._progress = progress
        self._open: dict[str, NodeConsole] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        # Nodes whose password is only referred to by the store, and whether that may be said of passwd objects.
        self._elsewhere: set[str] = set()
        self._shared_elsewhere = False
        self._turn = asyncio.Lock()
        self._follower = watcher.follow("consoles", self._take)

    async def start(self) -> None:
        """Open all consoles and follow the store from now on."""
        self._follower.start()
        self._loops.start(_RETRY_LOGINS, self._retry_logins_forever)

    async def stop(self) -> None:
        """Give all consoles back."""
        await self._loops.stop(_RETRY_LOGINS)
        await self._follower.stop()
        await asyncio.gather(*(console.close() for console in self._open.values()))
        self._open.clear()

    def states(self) -> dict[str, str]:
        """Return the state of every console: connected, connecting, lost, or why not."""
        return {node: console.state for node, console in sorted(self._open.items())}

    async def get(self, node: str) -> NodeConsole:
        """Return the console of a node; NotFoundError when the node has none within reach."""
        if node not in self._open:
            await self.look()
        if node not in self._open:
            async with self._turn:
                line = (await self._hardware.consoles([node]))[node]
                if isinstance(line, SbkernelError):
                    raise line
                if node not in self._open:
                    await self._replace(node, None, line)
        return self._open[node]

    def find(self, node: str) -> NodeConsole | None:
        """Return the console of a node if it is open."""
        return self._open.get(node)

    async def look(self) -> None:
        """Open consoles of new or changed nodes, close those of nodes that are gone."""
        await self._follower.catch_up()

    async def _take(self, news: News) -> None:
        async with self._turn:
            await self._bring_in_line(news)

    async def _bring_in_line(self, news: News) -> None:
        keys = {name: self._hardware.console_key(node) for name, node in news.nodes.items() if node}
        wanted = {name: key for name, key in keys.items() if key is not None}
        affected = self._known.keys() if news.everything else self._known.keys() & news.nodes.keys()
        gone = affected - wanted.keys()
        changed = {name for name, key in wanted.items() if news.everything or self._known.get(name) != key}
        if news.touches("passwd"):
            changed |= wanted.keys() | self._known.keys() - gone
            passwords = self._site.store.objects("passwd").values()
            self._shared_elsewhere = any(is_reference(one.get("password", "")) for one in passwords)
        await self._connect(changed)
        self._known |= wanted
        self._elsewhere -= affected
        self._elsewhere |= {name for name, key in wanted.items() if any(map(is_reference, key))}
        closing = [self._open.pop(node) for node in gone & self._open.keys()]
        for node in gone:
            del self._known[node]
        await asyncio.gather(*(console.close() for console in closing))

    async def _connect(self, nodes: Iterable[str]) -> None:
        """Read how the consoles of nodes are reached and connect anew where that has changed."""
        found = await self._hardware.consoles(nodes)
        replacing = []
        for node, line in found.items():
            if isinstance(line, SbkernelError):
                _log.debug("no console of %s: %s", node, line.message)
                continue
            known = self._open.get(node)
            if known is None or known.line is not line:
                replacing.append(self._replace(node, known, line))
        await asyncio.gather(*replacing)

    async def _replace(self, node: str, old: NodeConsole | None, line: Console) -> None:
        log = ConsoleLog(self._site.consoles, node)
        console = self._open[node] = NodeConsole(node, line, log, self._saw)
        try:
            if old:
                console.hub = old.hub
                await old.close()
        finally:
            console.line.keep()

    def _saw(self, node: str, stage: str, text: str) -> None:
        self._progress.record_seen(node, stage, {"prompt" if stage == "login" else "reason": text})

    async def _retry_logins_forever(self) -> None:
        """Read passwords again that are kept outside of the store, where they change unheard, for who needs them."""
        while True:
            await asyncio.sleep(_RETRY_LOGINS_S)
            async with self._turn:
                asked = self._known if self._shared_elsewhere else self._elsewhere
                await self._connect(node for node in asked if not self._is_connected(node))

    def _is_connected(self, node: str) -> bool:
        return node in self._open and self._open[node].line.connected
