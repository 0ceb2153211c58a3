"""mgt=auto: Redfish where a BMC has it, else IPMI; both listen on one number here, as UDP and TCP do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from bmc_rig import PASSWORD, USER, MakeRig, Rig
from redfish_rig import one_tls

from sbkernel.errors import SbkernelError
from sbkernel.nodes.failures import NoAnswerError
from sbkernel.nodes.methods import Hardware
from sbkernel.nodes.power import Power, PowerChange
from sbkernel.nodes.simulator.redfish import RedfishServer, SimulatedRedfish, serve_redfish
from sbkernel.site import Site


@pytest.fixture
async def hardware(tmp_path: Path) -> AsyncIterator[Hardware]:
    with Site.open(tmp_path / "site") as site, closing(Hardware(site)) as hardware:
        yield hardware
        await hardware.log_out()


def define(hardware: Hardware, rig: Rig) -> Site:
    site = hardware._site
    login = {"bmcusername": USER.decode(), "bmcpassword": PASSWORD.decode()}
    site.set("node", "n1", groups="all", mgt="auto", bmc=f"127.0.0.1:{rig.port}", **login)
    return site


async def power(hardware: Hardware) -> Power:
    found = (await hardware.powers(["n1"]))["n1"]
    assert not isinstance(found, SbkernelError)
    return found


async def redfish_beside(rig: Rig) -> RedfishServer:
    bmc = SimulatedRedfish(rig.machine, {USER.decode(): PASSWORD.decode()})
    return await serve_redfish(bmc, port=rig.port, context=one_tls())


async def test_redfish_is_preferred_and_never_left_again(hardware: Hardware, rig: Rig) -> None:
    site, server = define(hardware, rig), await redfish_beside(rig)
    await (await power(hardware)).change(PowerChange.ON)
    assert rig.machine.power and server.bmc.logins == 1 and not rig.bmc.sessions
    assert not (await power(hardware)).status_now(lambda _on: None)
    await hardware.log_out()
    await server.close()
    assert site.nodes["n1"].get("bmcfingerprint")
    # Whoever stops it from answering must not make us talk to what does.
    with closing(Hardware(site)) as later, pytest.raises(NoAnswerError):
        await (await power(later)).status()
    assert not rig.bmc.sessions


async def test_ipmi_is_used_where_there_is_no_redfish_and_that_is_remembered(hardware: Hardware, rig: Rig) -> None:
    define(hardware, rig)
    assert not (await power(hardware)).status_now(lambda _on: None)
    assert await (await power(hardware)).status() is False
    assert rig.bmc.sessions
    now = asyncio.get_running_loop().create_future()
    assert (await power(hardware)).status_now(now.set_result)
    assert await now is False
    server = await redfish_beside(rig)
    assert await (await power(hardware)).status() is False
    assert server.bmc.arrived == []
    await server.close()


async def test_a_silent_redfish_is_asked_again_the_next_time(hardware: Hardware, rig: Rig) -> None:
    site, server = define(hardware, rig), await redfish_beside(rig)
    hardware._methods["auto"].look_s = 0.2
    server.bmc.faults.dead = True
    assert await (await power(hardware)).status() is False
    hardware._methods["auto"].look_s = 20
    server.bmc.faults.dead = False
    assert await (await power(hardware)).status() is False
    assert server.bmc.logins == 1
    assert site.nodes["n1"].get("bmcfingerprint")
    await hardware.log_out()
    await server.close()


async def test_a_password_too_long_for_ipmi_is_one_for_redfish(hardware: Hardware, make_rig: MakeRig) -> None:
    rig = await make_rig()
    site = define(hardware, rig)
    site.set("node", "n1", bmcpassword="p" * 30)
    with pytest.raises(SbkernelError, match="the password of its BMC has 30 bytes"):
        await (await power(hardware)).status()
    server = await redfish_beside(rig)
    server.bmc.users[USER.decode()] = "p" * 30
    with closing(Hardware(site)) as later:
        assert await (await power(later)).status() is False
        await later.log_out()
    await server.close()
