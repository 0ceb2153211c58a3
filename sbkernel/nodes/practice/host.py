"""The process of the simulated nodes of a site: their BMCs and their machines, thousands on one event loop.

    python -m sbkernel.nodes.practice --site DIR

The store is asked every second what changed; SIGTERM ends it. run/practice.json says how many BMCs listen, and why the
others do not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import random
import signal
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sbkernel.definitions.definition import Definition
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import write_if_changed
from sbkernel.jobs.longlived import collect_seldom
from sbkernel.netboot.names import dashed_mac
from sbkernel.netboot.scripts import mac_path
from sbkernel.nodes.ipmi.logins import BmcLogin, login
from sbkernel.nodes.practice import traits
from sbkernel.nodes.practice.boot import Place, boot
from sbkernel.nodes.practice.machine import PracticeMachine
from sbkernel.nodes.practice.state import GROUP, State, forget, tell
from sbkernel.nodes.practice.traits import Traits
from sbkernel.nodes.simulator import BmcServer, Faults, SimulatedBmc, serve
from sbkernel.nodes.simulator.redfish import RedfishServer, SimulatedRedfish, key_and_certificate, serve_redfish
from sbkernel.site import Site

POLL_S = 1.0
RETRY_S = 10.0
"""How often a node that could not have its BMC is tried again: what was in its way may be none of the store's."""
CERTIFICATE = "practice.pem"
"""In the run directory of the site."""
LOOPBACK = "127."
_KEY = (traits.ATTRIBUTE, "bmc", "bmcusername", "bmcpassword", "mac", "mgt")
_SLOW_S = (0.2, 0.8)
_QUICK_S = (0.001, 0.01)


@dataclass
class PracticeNode:
    """A simulated node that runs here, and what its definition said when it began."""

    key: tuple[str, ...]
    server: BmcServer
    redfish: RedfishServer | None
    machine: PracticeMachine

    async def close(self) -> None:
        """Cut the power and take the BMC off the network."""
        self.server.close()
        self.machine.close()
        if self.redfish:
            await self.redfish.close()


class PracticeNodes:
    """All simulated nodes of a site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._running: dict[str, PracticeNode] = {}
        self._troubles: dict[str, str] = {}
        self._since: int | None = None
        self._refreshed = 0.0
        self._context: ssl.SSLContext | None = None

    async def follow(self) -> None:
        """Bring what runs in line with the nodes that changed; the first time, and after a long time, with all."""
        store = self.site.store
        if self._since is None:
            self._since = store.revision()
            await self._refresh(self.site.nodes)
            self._tell()
            return
        found = store.changed(self._since)
        again = set(self._troubles) if time.monotonic() - self._refreshed > RETRY_S else set()
        if found.revision == self._since and not again:
            return
        if found.objects is None or any(objtype in ("passwd", "site") for objtype, _name in found.objects):
            await self._refresh({*self.site.nodes, *self._running})
        elif found.objects or again:
            await self._refresh(self.site.nodes.touched(found.objects) | again)
        self._since = found.revision
        self._tell()

    async def close(self) -> None:
        """End all."""
        await asyncio.gather(*(node.close() for node in self._running.values()))
        self._running.clear()

    async def _refresh(self, names: Iterable[str]) -> None:
        self._refreshed = time.monotonic()
        looked_at = list(names)
        known = self.site.nodes.many(looked_at)
        # What a group lends makes no machine a simulated one.
        own = self.site.store.get_many("node", looked_at)
        keys = {name: _key(known[name]) for name, values in own.items() if traits.ATTRIBUTE in values}
        for name in looked_at:
            self._troubles.pop(name, None)
            running = self._running.get(name)
            if running and running.key != keys.get(name):
                await self._running.pop(name).close()
        await asyncio.sleep(0)  # their sockets are closed by the loop, in its next turn
        for name, key in keys.items():
            if name not in self._running:
                await self._start(known[name], key)

    async def _start(self, node: Definition, key: tuple[str, ...]) -> None:
        try:
            self._running[node.name] = await self._made(node, key)
        except SbkernelError as error:
            self._troubles[node.name] = error.message
        except OSError as error:
            self._troubles[node.name] = f"{node.name}: no BMC on {node.peek('bmc')}: {error.strerror}"

    async def _made(self, node: Definition, key: tuple[str, ...]) -> PracticeNode:
        ways = traits.read(node.get(traits.ATTRIBUTE))
        where = login(self.site, node)
        if not where.host.startswith(LOOPBACK):
            raise DefinitionError(f"{node.name}: the BMC of a simulated node is on 127.*, not on {where.host}")
        script = f"http://127.0.0.1:{self.site.http_port}/boot/{mac_path(dashed_mac(node.get('mac')))}"
        place = Place(where.host, node.get("mac"), script)
        machine = PracticeMachine(node.name, functools.partial(_boot, ways, place), ways.speed)
        wrong = faults(node.name, ways)
        server = await serve(
            SimulatedBmc(machine, {where.user: where.password}, name=node.name, faults=wrong), where.host, where.port
        )
        try:
            redfish = await self._redfish(node, machine, where, wrong)
        except BaseException:
            server.close()
            raise
        return PracticeNode(key, server, redfish, machine)

    async def _redfish(
        self, node: Definition, machine: PracticeMachine, where: BmcLogin, wrong: Faults
    ) -> RedfishServer | None:
        """Give the BMC a Redfish face on the TCP port of the same number, if the node is reached by Redfish."""
        if node.get("mgt") != "redfish":
            return None
        bmc = SimulatedRedfish(machine, {where.user.decode(): where.password.decode()}, name=node.name, faults=wrong)
        return await serve_redfish(bmc, where.host, where.port, context=self._tls())

    def _tls(self) -> ssl.SSLContext:
        """Return the TLS of all BMCs; the site keeps the certificate, which it knows them by."""
        if self._context is None:
            path = self.site.run / CERTIFICATE
            if not path.exists():
                write_if_changed(path, key_and_certificate(GROUP))
                path.chmod(0o600)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(path)
        return self._context

    def _tell(self) -> None:
        tell(self.site, State(os.getpid(), len(self._running), self._troubles, self._since or 0))


def _key(node: Definition) -> tuple[str, ...]:
    return tuple(node.peek(attribute) for attribute in _KEY)


async def _boot(ways: Traits, place: Place, machine: PracticeMachine) -> None:
    await boot(machine, ways, place)


def faults(name: str, ways: Traits) -> Faults:
    """Return what goes wrong with the BMC of a node, repeatable by the seed."""
    chance = random.Random(f"{ways.seed} {name}")  # noqa: S311
    delay_s = chance.uniform(*(_SLOW_S if ways.slow else _QUICK_S))
    return Faults(dead=ways.dead, delay_s=delay_s, loss=ways.loss, random=chance)


async def run(site: Site) -> None:
    """Keep the simulated nodes of a site running until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    nodes = PracticeNodes(site)
    try:
        while not ended.is_set():
            try:
                await nodes.follow()
            except SbkernelError as error:
                print(f"cannot read the nodes: {error.message}", flush=True)  # noqa: T201 - the service logs it
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), POLL_S)
    finally:
        await nodes.close()
        forget(site)


def main() -> None:
    """Run the process."""
    parser = argparse.ArgumentParser(prog="python -m sbkernel.nodes.practice", description=main.__doc__)
    parser.add_argument("--site", metavar="DIR")
    collect_seldom()
    with Site.open(parser.parse_args().site) as site:
        asyncio.run(run(site))
