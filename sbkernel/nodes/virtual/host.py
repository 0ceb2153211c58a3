"""The process of the virtual nodes of a site: it runs their QEMUs and simulates their BMCs.

    python -m sbkernel.nodes.virtual --site DIR

The store is asked every second what changed, and definitions are read again when it may concern a virtual node, and
on SIGHUP; SIGTERM cuts the power of all. Whatever kills this process, its QEMUs die with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from sbkernel.definitions.store.interface import Key
from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.nodes.ipmi.logins import BmcLogin
from sbkernel.nodes.simulator import BmcServer, SimulatedBmc, serve
from sbkernel.nodes.virtual import orders, throwaway
from sbkernel.nodes.virtual.description import describe, virtual_nodes
from sbkernel.nodes.virtual.guest import QemuMachine
from sbkernel.nodes.virtual.probe import Probe
from sbkernel.site import Site

POLL_S = 1.0
RETRY_S = 10.0
"""How often a node that could not have its BMC is tried again: what was in its way may be none of the store's."""


@dataclass
class VirtualNode:
    """A virtual node that runs here: the BMC that was asked for, that BMC's server, and its machine."""

    bmc: BmcLogin | None
    server: BmcServer | None
    machine: QemuMachine

    async def close(self) -> None:
        """Cut the power and take the BMC off the network."""
        if self.server:
            self.server.close()
        await self.machine.close()


class VirtualNodes:
    """All virtual nodes of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._running: dict[str, VirtualNode] = {}
        self._troubles: dict[str, str] = {}
        self._throwaway: list[str] = []
        self._since = -1
        self._refreshed = 0.0
        self._turn = asyncio.Lock()
        self._probe = Probe(site.cache)
        self._log = functools.partial(append_line, site.log / "virtual.log")

    async def serve(self) -> asyncio.Server:
        """Take orders from the service at the site's socket."""
        return await orders.serve(self.site.run / orders.SOCKET, self.machine)

    async def machine(self, name: str) -> QemuMachine:
        """Return the machine of a node, which may have been defined a moment ago. Raises NotFoundError."""
        if name not in self._running:
            await self.refresh()
        if name not in self._running:
            raise NotFoundError(self._troubles.get(name, f"{name}: it is no virtual node of this site"))
        return self._running[name].machine

    async def follow(self) -> None:
        """Refresh if something changed that may concern a virtual node; now and then while one has trouble.

        Nodes that were made for one purpose go when whoever made them is dead.
        """
        again = bool(self._troubles) and time.monotonic() - self._refreshed > RETRY_S
        try:
            for name in throwaway.sweep(self.site, self._throwaway):
                self._log(f"{name}: removed, for the process that made it has ended")
            found = self.site.store.changed(self._since)
            concerned = again or found.objects is None or self._concerned_by(found.objects)
        except SbkernelError as error:
            self._report({"": f"cannot read the nodes: {error.message}"})
            return
        if concerned:
            await self.refresh()
        self._since = found.revision

    async def refresh(self) -> None:
        """Bring what runs in line with the definitions; a node whose BMC changed loses its power."""
        async with self._turn:
            self._refreshed = time.monotonic()
            await self._refresh()

    async def close(self) -> None:
        """Cut the power of all nodes."""
        await asyncio.gather(*(node.close() for node in self._running.values()))
        self._running.clear()

    def _concerned_by(self, objects: frozenset[Key]) -> bool:
        nodes = self.site.nodes.touched(objects)
        local = any(node.peek("vmhost") == LOCAL for node in self.site.nodes.many(nodes).values())
        return local or not nodes.isdisjoint(self._running) or any(objtype == "passwd" for objtype, _name in objects)

    async def _refresh(self) -> None:
        try:
            wanted, troubles = virtual_nodes(self.site)
        except SbkernelError as error:
            self._report({"": f"cannot read the nodes: {error.message}"})
            return
        known = self.site.nodes.many(wanted)
        self._throwaway = [name for name in wanted if name in known and known[name].peek(throwaway.ATTRIBUTE)]
        for name in [name for name, node in self._running.items() if (name, node.bmc) not in wanted.items()]:
            await self._running.pop(name).close()
            self._log(f"{name}: BMC removed")
        for name in wanted.keys() - self._running.keys():
            try:
                self._running[name] = await self._start(name, wanted[name])
            except OSError as error:
                bmc = wanted[name]
                troubles[name] = f"{name}: no BMC on {bmc.address if bmc else name}: {error.strerror}"
        self._report(troubles)

    async def _start(self, name: str, bmc: BmcLogin | None) -> VirtualNode:
        now = functools.partial(describe, self.site, self._probe, name)
        machine = QemuMachine(name, self.site.run, now, self._log)
        if bmc is None:
            return VirtualNode(None, None, machine)
        try:
            server = await serve(SimulatedBmc(machine, {bmc.user: bmc.password}, name=name), bmc.host, bmc.port)
        except OSError:
            await machine.close()
            raise
        self._log(f"{name}: BMC listens on {bmc.host}:{bmc.port}")
        return VirtualNode(bmc, server, machine)

    def _report(self, troubles: dict[str, str]) -> None:
        """Log each trouble once."""
        for name, trouble in troubles.items():
            if self._troubles.get(name) != trouble:
                self._log(trouble)
        self._troubles = troubles


def append_line(path: Path, line: str) -> None:
    """Append a line with the time to a log file."""
    with path.open("a") as file:
        file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {line}\n")


async def run(site: Site) -> None:
    """Keep the virtual nodes of a site running until SIGTERM or SIGINT."""
    again, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    _on_signals(loop, again, ended)
    nodes = VirtualNodes(site)
    server = await nodes.serve()
    try:
        while not ended.is_set():
            asked = again.is_set()
            again.clear()
            await (nodes.refresh() if asked else nodes.follow())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(again.wait(), POLL_S)
    finally:
        server.close()
        await nodes.close()


def _on_signals(loop: asyncio.AbstractEventLoop, again: asyncio.Event, ended: asyncio.Event) -> None:
    def end() -> None:
        ended.set()
        again.set()

    loop.add_signal_handler(signal.SIGHUP, again.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)


def main() -> None:
    """Run the process."""
    parser = argparse.ArgumentParser(prog="python -m sbkernel.nodes.virtual", description=main.__doc__)
    parser.add_argument("--site", metavar="DIR")
    with Site.open(parser.parse_args().site) as site:
        asyncio.run(run(site))
