"""Which method reaches a node, and that every node has one result: good, or why not and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from bmc_rig import PASSWORD, USER, MakeRig, Rig

from sbkernel.nodes.failures import ControlError
from sbkernel.nodes.fanout import fan_out
from sbkernel.nodes.ipmi.ipmi import IpmiPower
from sbkernel.nodes.methods import Hardware
from sbkernel.nodes.power import Power
from sbkernel.nodes.redfish.sshconsole import SshConsole
from sbkernel.nodes.results import NodeResult
from sbkernel.nodes.simulator import Faults
from sbkernel.nodes.virtual.kvm import QemuPower
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site


@pytest.fixture
async def hardware(site: Site) -> AsyncIterator[Hardware]:
    with closing(Hardware(site)) as hardware:
        yield hardware


def define(site: Site, name: str, rig: Rig, **attributes: str) -> None:
    login = {"bmcusername": USER.decode(), "bmcpassword": PASSWORD.decode()}
    site.set("node", name, groups="all", mgt="ipmi", bmc=f"127.0.0.1:{rig.port}", **{**login, **attributes})


async def test_power_is_reached_by_mgt_unless_power_says_otherwise(site: Site, hardware: Hardware) -> None:
    ipmi = {"bmc": "10.0.0.1", "bmcusername": "u", "bmcpassword": "p"}
    site.set("node", "n1", groups="all", mgt="ipmi", **ipmi)
    site.set("node", "n2", groups="all", mgt="kvm", vmhost="localhost")
    site.set("node", "n3", groups="all", mgt="ipmi", power="kvm", vmhost="localhost", **ipmi)
    site.set("node", "n4", groups="all", mgt="kvm", vmhost="elsewhere")
    powers = await hardware.powers(["n1", "n2", "n3", "n4"])
    assert [type(powers[node]) for node in ("n1", "n2", "n3")] == [IpmiPower, QemuPower, QemuPower]
    assert "that the site itself runs" in str(powers["n4"])


async def test_one_result_a_node_with_what_to_do(site: Site, hardware: Hardware, make_rig: MakeRig) -> None:
    good, dead = await make_rig(), await make_rig(faults=Faults(dead=True))
    define(site, "good", good)
    define(site, "dead", dead)
    define(site, "locked", good, bmcpassword="no")
    define(site, "stranger", good, bmcusername="nobody")
    site.set("node", "unknown", groups="all", mgt="hmc")
    site.set("node", "other", groups="all", mgt="ipmi", power="blade")
    site.set("node", "unmanaged", groups="all")
    site.set("node", "homeless", groups="all", mgt="ipmi")
    names = [*site.nodes, "gone"]
    results = {r.node: r async for r in fan_out(await hardware.powers(names), status)}
    assert {node: r.text for node, r in results.items()} == {
        "good": "off",
        "dead": f"no answer from BMC 127.0.0.1:{dead.port}",
        "locked": f"wrong password for BMC 127.0.0.1:{good.port}",
        "stranger": f"user unknown to BMC 127.0.0.1:{good.port}",
        "unknown": "mgt=hmc is not supported, only ipmi, redfish, openbmc, auto, kvm",
        "other": "power=blade is not supported, only ipmi, redfish, openbmc, auto, kvm",
        "unmanaged": "Unable to identify plugin for this command, check relevant tables: nodehm.power,mgt",
        "homeless": "it has no bmc",
        "gone": "there is no node of that name",
    }
    assert {node for node, r in results.items() if r.ok} == {"good"}
    assert all(r.hint for node, r in results.items() if node != "good")
    assert PASSWORD.decode() not in repr(results)


async def status(power: Power) -> str:
    return "on" if await power.status() else "off"


async def test_a_bug_on_one_node_is_that_nodes_result(caplog: pytest.LogCaptureFixture) -> None:
    async def act(node: str) -> str:
        if node == "n1":
            raise IndexError("answer too short")
        raise ControlError(node, "refused", hint="ask nicely")

    results = {r.node: r async for r in fan_out({"n1": "n1", "n2": "n2"}, act)}
    assert results["n1"].text == "unexpected answer (IndexError)"
    assert results["n2"] == NodeResult("n2", False, "refused", "ask nicely")
    assert "answer too short" in caplog.text


async def test_consoles_are_reached_by_cons_or_by_mgt_with_a_serial_port(site: Site, hardware: Hardware) -> None:
    ipmi = {"groups": "all", "mgt": "ipmi", "bmc": "10.0.0.1", "bmcusername": "u", "bmcpassword": "p"}
    site.set("node", "n1", **ipmi, cons="ipmi")
    site.set("node", "n2", **ipmi, serialport="0")
    site.set("node", "n3", **ipmi)
    site.set("node", "n4", groups="all", mgt="ipmi", cons="ipmi")
    site.set("node", "n5", groups="all", mgt="kvm", vmhost="localhost", serialport="0")
    keys = {name: hardware.console_key(node) for name, node in site.nodes.many(site.nodes).items()}
    assert [name for name, key in keys.items() if key] == ["n1", "n2"]
    before = await hardware.consoles(["n1", "n2"])
    assert await hardware.consoles(["n1", "n2"]) == before
    site.set("node", "n1", bmc="10.0.0.2")
    assert hardware.console_key(site.nodes["n1"]) != keys["n1"]
    after = await hardware.consoles(["n1", "n2", "n3"])
    assert after["n1"] is not before["n1"]
    assert after["n2"] is before["n2"]
    assert "cons attribute" in str(after["n3"])
    site.set("node", "n3", cons="redfish")
    assert isinstance((await hardware.consoles(["n3"]))["n3"], SshConsole)
    assert hardware.console_key(site.nodes["n3"])


REMEMBERED: dict[str, Callable[[Site], object]] = {
    "an address": lambda site: site.set("node", "n1", bmc="10.0.0.9"),
    "a password": lambda site: site.set("node", "n1", bmcpassword="other"),
    "one of a group": lambda site: site.set("group", "all", mgt="ipmi", bmckg="key"),
    "one of all": lambda site: site.set("passwd", "ipmi", username="u", password="other"),
    "another method": lambda site: site.set("node", "n1", mgt="redfish"),
    "a node that is gone": lambda site: site.delete("node", "n1"),
}


@pytest.mark.parametrize("what", REMEMBERED)
@pytest.mark.parametrize("own", [True, False])
async def test_what_is_remembered_of_a_login_is_what_the_store_says(
    site: Site, hardware: Hardware, what: str, own: bool
) -> None:
    """A second sweep reads no node; whatever is changed meanwhile, it is as if all were read."""
    site.set("passwd", "ipmi", username="u", password="p")
    login = {"bmcusername": "u", "bmcpassword": "p"} if own else {}
    site.set("node", "n1", groups="all", mgt="ipmi", bmc="10.0.0.1", **login)
    site.set("node", "n2", groups="all", mgt="ipmi", bmc="10.0.0.2")
    before = await hardware.powers(["n1", "n2"])
    assert [login_of(power) for power in (await hardware.powers(["n1", "n2"])).values()] == [
        login_of(power) for power in before.values()
    ]
    REMEMBERED[what](site)
    after = await hardware.powers(["n1", "n2"])
    with closing(Hardware(site)) as fresh:
        wanted = await fresh.powers(["n1", "n2"])
        assert [login_of(power) for power in after.values()] == [login_of(power) for power in wanted.values()]


async def test_a_password_that_is_kept_elsewhere_is_read_each_time(
    site: Site, hardware: Hardware, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMCS", "one")
    site.set("passwd", "ipmi", username="u", password="env:BMCS")
    site.set("node", "n1", groups="all", mgt="ipmi", bmc="10.0.0.1")
    assert b"one" in login_of((await hardware.powers(["n1"]))["n1"])
    monkeypatch.setenv("BMCS", "two")
    assert b"two" in login_of((await hardware.powers(["n1"]))["n1"])


def login_of(power: object) -> tuple[object, ...]:
    """What a way to a node consists of, whatever it is."""
    if not isinstance(power, IpmiPower):
        return (type(power), str(power) if isinstance(power, Exception) else "")
    login = power._bmc.login
    return (login.node, login.host, login.port, login.user, login.password, login.kg)


async def test_no_more_are_at_work_than_may_be_and_who_stops_listening_ends_them() -> None:
    at_work, most, ended = set[str](), 0, list[str]()

    async def act(node: str) -> str:
        nonlocal most
        at_work.add(node)
        most = max(most, len(at_work))
        try:
            await asyncio.sleep(0 if node < "n50" else 3600)
        finally:
            at_work.discard(node)
            ended.append(node)
        return node

    results = fan_out({f"n{number:02}": f"n{number:02}" for number in range(100)}, act, at_once=7)
    got = [(await anext(results)).node for _ in range(50)]
    assert sorted(got) == [f"n{number:02}" for number in range(50)]
    await results.aclose()
    assert most == 7 and not at_work
    assert len(ended) <= 57
