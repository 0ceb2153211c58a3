"""A simulated Redfish BMC that listens on a real port, and a site that knows it as n1."""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.nodes.redfish.bmc import RedfishBmc
from sbkernel.nodes.redfish.redfish import Redfish, RedfishPower
from sbkernel.nodes.simulator import PretendMachine
from sbkernel.nodes.simulator.redfish import RedfishServer, SimulatedRedfish, serve_redfish, tls
from sbkernel.site import Site

USER, PASSWORD = "admin", "s3cret-of-redfish"
one_tls = functools.cache(tls)


@dataclass
class RedfishRig:
    site: Site
    bmc: SimulatedRedfish
    machine: PretendMachine
    server: RedfishServer
    method: Redfish

    @property
    def port(self) -> int:
        return self.server.address[1]

    def client(self, node: str = "n1") -> RedfishBmc:
        return self.method.bmc(self.method.login(self.site.nodes[node]))

    def power(self, node: str = "n1") -> RedfishPower:
        return self.method.power(self.method.login(self.site.nodes[node]))

    async def restart(self, context: ssl.SSLContext) -> None:
        """Let the BMC show another certificate, on the same port, and forget its sessions."""
        port = self.port
        await self.server.close()
        self.bmc.sessions.clear()
        self.server = await serve_redfish(self.bmc, port=port, context=context)


@contextlib.asynccontextmanager
async def redfish_rig(where: Path, **options: Any) -> AsyncIterator[RedfishRig]:
    machine = PretendMachine()
    bmc = SimulatedRedfish(machine, {USER: PASSWORD}, **options)
    server = await serve_redfish(bmc, context=one_tls())
    with Site.open(where / "site") as site:
        address = {"bmc": f"127.0.0.1:{server.address[1]}", "bmcusername": USER, "bmcpassword": PASSWORD}
        site.set("node", "n1", groups="all", mgt="redfish", **address)
        rig = RedfishRig(site, bmc, machine, server, Redfish(site))
        yield rig
        await rig.method.log_out()
        await rig.server.close()
