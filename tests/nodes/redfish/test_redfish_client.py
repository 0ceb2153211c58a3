"""Our Redfish client: sessions, certificates, bad weather; each BMC is a real one by TLS on the loopback."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from redfish_rig import PASSWORD, USER, RedfishRig, one_tls, redfish_rig
from waiting import until_async as until

from sbkernel.errors import SbkernelError
from sbkernel.nodes.failures import ControlError, LostAnswerError, NoAnswerError, RefusedError, WrongPasswordError
from sbkernel.nodes.fanout import fan_out
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.redfish.answers import BODY_MAX
from sbkernel.nodes.redfish.logins import CertificateChangedError
from sbkernel.nodes.simulator import PretendMachine
from sbkernel.nodes.simulator.redfish import SESSIONS, SimulatedRedfish, serve_redfish, tls

SYSTEM = "/redfish/v1/Systems/1"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[RedfishRig]:
    async with redfish_rig(tmp_path) as rig:
        yield rig


async def test_one_session_for_everybody_deleted_when_idle(rig: RedfishRig) -> None:
    rig.client().idle_s = 0.1
    assert await asyncio.gather(*(rig.power().status() for _ in range(5))) == [False] * 5
    assert rig.bmc.logins == 1
    await until(lambda: not rig.bmc.sessions)
    assert rig.bmc.arrived[-1] == ("DELETE", f"{SESSIONS}/1")
    assert await rig.power().status() is False


async def test_logging_out_deletes_the_session(rig: RedfishRig) -> None:
    await rig.power().status()
    await rig.method.log_out()
    assert not rig.bmc.sessions


async def test_a_bmc_that_forgot_the_session_is_logged_in_to_again(rig: RedfishRig) -> None:
    await rig.power().status()
    rig.bmc.sessions.clear()
    assert await rig.power().status() is False
    assert rig.bmc.logins == 2


@pytest.mark.parametrize("case", ["no sessions", "no free session"])
async def test_user_and_password_go_along_where_there_is_no_session(rig: RedfishRig, case: str) -> None:
    if case == "no sessions":
        rig.bmc.redfish_faults.basic_only = True
    else:
        rig.bmc.sessions_max = 0
    await rig.power().change(PowerChange.ON)
    assert await rig.power().status() is True
    assert not rig.bmc.sessions


@pytest.mark.parametrize("basic_only", [False, True])
@pytest.mark.parametrize("wrong", [{"bmcpassword": "wrong-one"}, {"bmcusername": "nobody"}], ids=["password", "user"])
async def test_a_refused_login_says_why_and_keeps_the_secret(
    rig: RedfishRig, basic_only: bool, wrong: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rig.bmc.redfish_faults.basic_only = basic_only
    rig.site.set("node", "n1", **wrong)
    with pytest.raises(WrongPasswordError, match="does not know this user and password") as caught:
        await rig.power().status()
    assert "sb passwd redfish" in str(caught.value.hint)
    assert [path for method, path in rig.bmc.arrived if method == "POST"] == [SESSIONS]
    words = " ".join(map(repr, (caught.value, rig.client(), rig.client().login, caught.value.__context__)))
    for secret in (PASSWORD, "wrong-one"):
        assert secret not in words + caplog.text


async def test_the_certificate_is_kept_and_another_one_refused_until_somebody_says_so(rig: RedfishRig) -> None:
    await rig.power().status()
    known = rig.site.nodes["n1"].get("bmcfingerprint")
    assert len(known) == 64
    await rig.restart(tls("another"))
    rig.bmc.arrived.clear()
    for _ in range(2):
        with pytest.raises(
            CertificateChangedError, match=f"another certificate than before: .*, not {known}"
        ) as caught:
            await rig.power().status()
    assert rig.bmc.arrived == []
    assert "sb chdef NODE bmcfingerprint=" in str(caught.value.hint)
    rig.site.set("node", "n1", bmcfingerprint="")
    assert await rig.power().status() is False
    assert rig.site.nodes["n1"].get("bmcfingerprint") == caught.value.got


async def test_a_certificate_that_is_given_beforehand_is_the_only_one(rig: RedfishRig) -> None:
    rig.site.set("node", "n1", bmcfingerprint="ab" * 32)
    with pytest.raises(CertificateChangedError):
        await rig.power().status()
    assert rig.bmc.arrived == []


async def test_a_site_with_a_certificate_authority(rig: RedfishRig, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", rig.port)))
    rig.site.set("site", "clustersite", bmccafile=str(ca))
    with pytest.raises(RefusedError, match=r"no trusted connection to BMC .*: .*127\.0\.0\.1") as caught:
        await rig.power().status()
    assert "bmccafile" in str(caught.value.hint)
    await rig.restart(tls("127.0.0.1"))
    with pytest.raises(RefusedError, match=r"self.signed certificate"):
        await rig.power().status()
    ca.write_text(await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", rig.port)))
    assert await rig.power().status() is False
    assert rig.site.nodes["n1"].get("bmcfingerprint") == ""
    rig.site.set("site", "clustersite", bmccafile=str(tmp_path / "none.pem"))
    with pytest.raises(RefusedError, match=r"no certificates in .*none\.pem"):
        await rig.power().status()


async def test_a_busy_bmc_is_asked_again_and_told_once(rig: RedfishRig) -> None:
    await rig.power().status()
    rig.bmc.redfish_faults.busy = 1
    assert await rig.power().status() is False
    await rig.client().system()
    rig.bmc.arrived.clear()
    rig.bmc.redfish_faults.busy = 1
    with pytest.raises(RefusedError, match="is busy: The service is starting") as caught:
        await rig.power().change(PowerChange.ON)
    assert caught.value.hint == "Nothing was changed; try again in a minute."
    assert [method for method, _path in rig.bmc.arrived] == ["POST"]
    rig.client().deadline_s = 0.7
    rig.bmc.redfish_faults.busy = 100
    with pytest.raises(NoAnswerError, match=r"no answer from BMC .*: it is busy"):
        await rig.power().status()


async def test_a_change_that_another_one_overtook_is_not_made(rig: RedfishRig) -> None:
    await rig.client().system()
    rig.bmc.version += 1
    rig.bmc.arrived.clear()
    with pytest.raises(RefusedError, match="changed by somebody else just now; nothing was set"):
        await rig.power().set_boot(BootOverride(BootDevice.NETWORK))
    assert [method for method, _path in rig.bmc.arrived] == ["PATCH"]
    await rig.power().set_boot(BootOverride(BootDevice.NETWORK))
    assert rig.machine.boot == BootOverride(BootDevice.NETWORK)


async def test_what_is_never_answered_is_lost_and_sent_once(rig: RedfishRig) -> None:
    await rig.client().system()
    rig.client().answer_s = 0.3
    rig.bmc.redfish_faults.unanswered = frozenset({"POST"})
    rig.bmc.arrived.clear()
    with pytest.raises(LostAnswerError, match="sent, no answer from BMC"):
        await rig.power().change(PowerChange.ON)
    assert rig.machine.controls == [PowerChange.ON]
    rig.bmc.redfish_faults.unanswered = frozenset()
    assert await rig.power().status() is True


async def test_the_deadline_holds_and_a_closed_port_is_said_at_once(rig: RedfishRig) -> None:
    rig.client().deadline_s = 0.5
    rig.bmc.faults.dead = True
    began = time.monotonic()
    results = await asyncio.gather(*(rig.power().status() for _ in range(3)), return_exceptions=True)
    assert {type(result) for result in results} == {NoAnswerError}
    assert time.monotonic() - began < 5
    await rig.server.close()
    with pytest.raises(NoAnswerError, match=r"no answer from BMC .*: Connection refused") as caught:
        await rig.power().status()
    assert "by https" in str(caught.value.hint)


async def test_only_what_the_bmc_offers_is_asked_for(rig: RedfishRig) -> None:
    rig.machine.power = True
    rig.bmc.resets, rig.bmc.modes = ("On", "ForceOff", "PowerCycle"), False
    await rig.power().change(PowerChange.RESET)
    assert rig.machine.controls == [PowerChange.CYCLE]
    with pytest.raises(RefusedError, match="its BMC has no nmi: it offers On, ForceOff, PowerCycle"):
        await rig.power().change(PowerChange.NMI)
    await rig.power().set_boot(BootOverride(BootDevice.CD, uefi=True))
    assert rig.machine.boot == BootOverride(BootDevice.CD)


async def test_what_is_offered_may_stand_in_the_action_info(rig: RedfishRig) -> None:
    info = f"{SYSTEM}/ResetActionInfo"

    def spoil(path: str, document: Any) -> Any:
        if path == info:
            return {"Parameters": [{"Name": "ResetType", "AllowableValues": ["ForceOn"]}]}
        if path == SYSTEM:
            target = document["Actions"]["#ComputerSystem.Reset"]["target"]
            return document | {"Actions": {"#ComputerSystem.Reset": {"target": target, "@Redfish.ActionInfo": info}}}
        return document

    rig.bmc.redfish_faults.spoil = spoil
    with pytest.raises(RefusedError):
        await rig.power().change(PowerChange.OFF)


async def test_one_of_several_systems(rig: RedfishRig) -> None:
    rig.bmc.systems = ("1", "2", "blade3")
    with pytest.raises(SbkernelError, match="n1: its BMC has 3 systems; there are: 1, 2, blade3") as caught:
        await rig.power().status()
    assert caught.value.hint == "sb chdef NODE bmcsystem=ID"
    rig.site.set("node", "n1", bmcsystem="4")
    with pytest.raises(SbkernelError, match="its BMC has no system 4; there are: 1, 2, blade3"):
        await rig.power().status()
    rig.site.set("node", "n1", bmcsystem="1")
    assert await rig.power().status() is False
    rig.bmc.name = "n1"
    rig.site.set("node", "n1", bmcsystem="")
    assert await rig.power().status() is False


EVIL = "https://evil.example/redfish/v1/"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"text": "<html>welcome</html>", "content_type": "text/html"}, r"other than Redfish \(text/html\)"),
        ({"body": b"x" * (BODY_MAX + 1)}, "more than 4 MB"),
        ({"text": "[" * 100_000}, "other than Redfish"),
        ({"text": "[1, 2]"}, "other than Redfish"),
        ({"status": 302, "headers": {"Location": EVIL}}, "points elsewhere: https://evil"),
        ({"status": 307, "headers": {"Location": "http://127.0.0.1/redfish/v1/"}}, "points elsewhere"),
        ({"status": 301, "headers": {"Location": "/redfish/v1/"}}, "points elsewhere"),
        ({"body": b"x", "headers": {"Content-Encoding": "gzip"}}, "other than Redfish"),
        ({"text": '{"Links": 1, "Systems": [], "PowerState": "On"}'}, "its BMC has 0 systems"),
        ({"text": '{"error": {"message": "no\\u001b[2J\\nway"}}', "status": 500}, r"refused: no \[2J way"),
    ],
    ids=["html", "long", "deep", "list", "redirect", "no tls", "circle", "gzip", "shapes", "escape"],
)
async def test_hostile_answers_are_that_nodes_error(rig: RedfishRig, answer: dict[str, Any], words: str) -> None:
    rig.bmc.redfish_faults.answer = lambda: web.Response(**answer)
    with pytest.raises(SbkernelError, match=words):
        await rig.power().status()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"PowerState": None}, {"PowerState": "Melted\x1b[31m"}, {"Actions": "none"},
        {"Actions": {"#ComputerSystem.Reset": {"target": "//evil.example/reset"}}},
        {"Actions": {"#ComputerSystem.Reset": {"target": "https://evil.example/reset"}}},
        {"Actions": {"#ComputerSystem.Reset": {"target": "/redfish/v1/\r\nX-Header: 1"}}},
        {"Actions": {"#ComputerSystem.Reset": {"target": "/x", "ResetType@Redfish.AllowableValues": {"On": 1}}}},
    ],
    ids=str,
)  # fmt: skip
async def test_hostile_systems_change_nothing(rig: RedfishRig, spoilt: dict[str, Any]) -> None:
    rig.bmc.redfish_faults.spoil = lambda path, document: document | spoilt if path == SYSTEM else document
    with pytest.raises(ControlError) as caught:
        if "PowerState" in spoilt:
            await rig.power().status()
        else:
            await rig.power().change(PowerChange.ON)
    assert "\x1b" not in str(caught.value)
    assert not rig.machine.controls
    json.dumps(str(caught.value))


async def test_hundreds_of_bmcs_at_once(rig: RedfishRig) -> None:
    servers = []
    for number in range(500):
        bmc = SimulatedRedfish(PretendMachine(), {USER: PASSWORD})
        bmc.machine.power = number % 2 == 1
        bmc.faults.dead = number % 50 == 7
        servers.append(await serve_redfish(bmc, context=one_tls()))
    changes = {
        f"r{number}": {
            "groups": "all", "mgt": "redfish", "bmc": f"127.0.0.1:{server.address[1]}", "bmcusername": USER,
            "bmcpassword": PASSWORD,
        }
        for number, server in enumerate(servers)
    }  # fmt: skip
    rig.site.change("node", changes)
    for node in changes:
        rig.client(node).deadline_s = 60 if int(node[1:]) % 50 != 7 else 0.5
    for _ in range(2):
        powers = {node: rig.power(node) for node in changes}
        results = {r.node: r async for r in fan_out(powers, lambda power: on_or_off(power))}
        wanted = {node: "on" if int(node[1:]) % 2 else "off" for node in changes}
        dead = {node for node in changes if int(node[1:]) % 50 == 7}
        assert {node: results[node].text for node in wanted.keys() - dead} == {
            n: wanted[n] for n in wanted.keys() - dead
        }
        assert all("no answer from BMC" in results[node].text for node in dead)
    assert {server.bmc.logins for server in servers} == {0, 1}
    known = rig.site.nodes.many(wanted.keys() - dead)
    assert all(node.get("bmcfingerprint") for node in known.values())
    await rig.method.log_out()
    assert not any(server.bmc.sessions for server in servers)
    for server in servers:
        await server.close()


async def on_or_off(power: Any) -> str:
    return "on" if await power.status() else "off"
