"""Simulated BMCs on real UDP ports of the loopback, and what the tests of the nodes share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from sbkernel.nodes.bmc import BmcLogin
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.simulator import BmcServer, Faults, PretendMachine, SimulatedBmc, serve

USER, PASSWORD = b"admin", b"s3cret-of-bmc"


@dataclass
class Rig:
    """A simulated BMC that listens, the machine behind it, and how to log in."""

    server: BmcServer
    bmc: SimulatedBmc
    machine: PretendMachine

    @property
    def port(self) -> int:
        return self.server.address[1]

    def login(self, *, node: str = "n1", user: bytes = USER, password: bytes = PASSWORD) -> BmcLogin:
        return BmcLogin(node, "127.0.0.1", self.port, user, password)


MakeRig = Callable[..., Awaitable[Rig]]


@pytest.fixture
async def make_rig() -> AsyncIterator[MakeRig]:
    servers: list[BmcServer] = []

    async def make(**options: object) -> Rig:
        machine = PretendMachine()
        bmc = SimulatedBmc(machine, {USER: PASSWORD}, **options)  # type: ignore[arg-type]
        servers.append(await serve(bmc))
        return Rig(servers[-1], bmc, machine)

    yield make
    for server in servers:
        server.close()


@pytest.fixture
async def rig(make_rig: MakeRig) -> Rig:
    return await make_rig()


@pytest.fixture(params=[3, 17], ids=["suite3", "suite17"])
async def suite_rig(request: pytest.FixtureRequest, make_rig: MakeRig) -> Rig:
    """A BMC that offers one cipher suite only."""
    refused = frozenset({3, 17} - {request.param})
    return await make_rig(faults=Faults(refused_suites=refused))


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    async with Pool() as pool:
        yield pool


async def until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait until a condition holds; TimeoutError otherwise."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)
