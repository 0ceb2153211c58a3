"""The serial consoles of all nodes: logged always, watched for prompts and panics, shared by who attaches."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable

from sbkernel.definitions.definition import Definition
from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.nodes.bmc import Bmc
from sbkernel.nodes.console import Console
from sbkernel.nodes.logins import logins
from sbkernel.nodes.pool import Pool
from sbkernel.service.conlog import ConsoleLog
from sbkernel.service.hub import Hub, notice
from sbkernel.service.progress import BootProgress
from sbkernel.service.sightings import ConsoleWatch
from sbkernel.site import Site

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 2.0
_EVERYTHING_EVERY = 30
_CLOSE_S = 5.0
_LOGIN = ("bmc", "bmcusername", "bmcpassword", "mgt")


class NodeConsole:
    """One node's console: its connection, its log, what was seen on it, and who is attached."""

    def __init__(self, node: str, bmc: Bmc, log: ConsoleLog, on_sighting: Callable[[str, str, str], None]) -> None:
        self.node = node
        self.bmc = bmc
        self.hub = Hub()
        self.log = log
        self.state = "connecting"
        self.heard: float | None = None
        self._watch = ConsoleWatch()
        self._on_sighting = on_sighting
        self.line = Console(bmc, self._on_bytes, self._on_event)

    async def ready(self, timeout_s: float) -> bool:
        """Try to connect now, whatever failed before; return whether it is connected within the time."""
        if not self.line.connected:
            await self.line.close()
            with contextlib.suppress(TimeoutError):
                await self.line.open(timeout_s)
        return self.line.connected

    async def close(self) -> None:
        """Give the console back to the BMC and close its log."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.line.close(), _CLOSE_S)
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
    """The consoles of every node whose console is reached over IPMI, as the store has them at any time."""

    def __init__(self, site: Site, pool: Pool, progress: BootProgress) -> None:
        self._site = site
        self._pool = pool
        self._progress = progress
        self._open: dict[str, NodeConsole] = {}
        self._known: dict[str, tuple[str, ...]] = {}
        self._looker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Open all consoles and follow the store from now on."""
        self._looker = asyncio.create_task(self._look_forever())

    async def stop(self) -> None:
        """Give all consoles back to their BMCs."""
        if self._looker:
            self._looker.cancel()
            await asyncio.gather(self._looker, return_exceptions=True)
        await asyncio.gather(*(console.close() for console in self._open.values()))
        self._open.clear()

    def states(self) -> dict[str, str]:
        """Return the state of every console: connected, connecting, lost, or why not."""
        return {node: console.state for node, console in sorted(self._open.items())}

    async def get(self, node: str) -> NodeConsole:
        """Return the console of a node; NotFoundError when the node has none over IPMI."""
        if node not in self._open:
            await self.look()
        if node not in self._open:
            _ = self._site.nodes[node].get("bmc")
            raise NotFoundError(
                f"{node}: ignore, cons attribute or serialport attribute is not specified.",
                hint=f"set how its console is reached: sb chdef {node} cons=ipmi bmc=ADDRESS",
            )
        return self._open[node]

    def find(self, node: str) -> NodeConsole | None:
        """Return the console of a node if it is open."""
        return self._open.get(node)

    async def look(self, *, everything: bool = False) -> None:
        """Open consoles of new or changed nodes, close those of nodes that are gone.

        Logins are read again for nodes whose own attributes changed; with `everything` also for those that take
        user or password from the site.
        """
        wanted = self._wanted()
        changed = [node for node, key in wanted.items() if everything or self._known.get(node) != key]
        self._known = wanted
        for node, login in logins(self._site, changed).items():
            if isinstance(login, SbkernelError):
                _log.debug("no console of %s: %s", node, login.message)
                continue
            bmc = self._pool.get(login)
            known = self._open.get(node)
            if known is None or known.bmc is not bmc:
                await self._replace(node, known, bmc)
        for node in self._open.keys() - wanted.keys():
            if gone := self._open.pop(node, None):
                await gone.close()

    async def _replace(self, node: str, old: NodeConsole | None, bmc: Bmc) -> None:
        log = ConsoleLog(self._site.consoles, node)
        console = self._open[node] = NodeConsole(node, bmc, log, self._saw)
        if old:
            console.hub = old.hub
            await old.close()
        console.line.keep()

    def _wanted(self) -> dict[str, tuple[str, ...]]:
        nodes = self._site.nodes.many(self._site.nodes)
        return {name: tuple(node.peek(key) for key in _LOGIN) for name, node in nodes.items() if over_ipmi(node)}

    def _saw(self, node: str, stage: str, text: str) -> None:
        self._progress.record_seen(node, stage, {"prompt" if stage == "login" else "reason": text})

    async def _look_forever(self) -> None:
        for round_ in itertools.count():
            try:
                await self.look(everything=round_ % _EVERYTHING_EVERY == 0)
            except SbkernelError as error:
                _log.warning("cannot read the nodes: %s", error)
            await asyncio.sleep(_LOOK_EVERY_S)


def over_ipmi(node: Definition) -> bool:
    """Return whether a node's console is reached over IPMI: `cons`, else `mgt` when serialport is set (xCAT)."""
    cons = node.peek("cons") or (node.peek("mgt") if node.peek("serialport") else "")
    return cons == "ipmi" and bool(node.peek("bmc"))
