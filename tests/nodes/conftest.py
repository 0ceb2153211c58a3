"""Simulated BMCs for the tests of the nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from bmc_rig import PASSWORD, USER, MakeRig, Rig

from sbkernel.nodes.ipmi.ipmi import Pool
from sbkernel.nodes.simulator import BmcServer, Faults, PretendMachine, SimulatedBmc, serve


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
    pool = Pool()
    yield pool
    pool.close()
