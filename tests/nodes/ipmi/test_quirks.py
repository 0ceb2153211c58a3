"""BMCs that differ in whom they let in, and how; and packets that are no IPMI."""

from __future__ import annotations

import asyncio
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from bmc_rig import PASSWORD, USER, MakeRig, Rig

from sbkernel.definitions.secret import Secret
from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import RefusedError, WrongKeyError, WrongPasswordError
from sbkernel.nodes.ipmi import bmc as client
from sbkernel.nodes.ipmi import chassis, logins
from sbkernel.nodes.ipmi import session as ipmi_session
from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.power import PowerChange
from sbkernel.nodes.simulator import Faults
from sbkernel.nodes.simulator import bmc as simulator
from sbkernel.nodes.simulator.faults import Refusal
from sbkernel.site import Site

KEY = bytes(range(1, 21))
SET_PRIVILEGE = (0x06, 0x3B)
STATUS = (chassis.NETFN_CHASSIS, chassis.GET_STATUS)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site.open(tmp_path / "site") as site:
        yield site


@pytest.mark.parametrize("where", get_args(Refusal))
async def test_a_bmc_without_administrators_is_used_as_operator_and_remembered(
    make_rig: MakeRig, pool: Pool, where: Refusal
) -> None:
    rig = await make_rig(faults=Faults(operator_at=where, capabilities_first=where == "capabilities"))
    bmc = pool.get(rig.login())
    await IpmiPower(bmc).change(PowerChange.ON)
    assert rig.machine.power
    bmc.close()
    rig.bmc.state.arrived.clear()
    assert await IpmiPower(bmc).status() is True
    assert {session.role & 15 for session in rig.bmc.sessions.values()} == {3}
    assert rig.bmc.state.arrived[SET_PRIVILEGE] == 0  # users may ask
    for _ in range(2):
        await IpmiPower(bmc).change(PowerChange.RESET)
    assert rig.bmc.state.arrived[SET_PRIVILEGE] == 1  # the privilege was asked for once


class UntilPrivilege(frozenset[tuple[int, int]]):
    """All commands, until the privilege was asked for."""

    rig: Rig

    def __contains__(self, kind: object) -> bool:
        return kind != SET_PRIVILEGE and not self.rig.bmc.state.arrived[SET_PRIVILEGE]


@pytest.mark.parametrize("says", ["no", "nothing"])
async def test_a_bmc_that_wants_the_privilege_to_be_asked_for_first(
    rig: Rig, pool: Pool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "AS_USER_S", 0.3)
    if says == "no":
        monkeypatch.setattr(simulator, "Session", functools.partial(simulator.Session, privilege=1))
    else:
        rig.bmc.faults.unheard = UntilPrivilege()
        rig.bmc.faults.unheard.rig = rig
    bmc = pool.get(rig.login())
    assert await IpmiPower(bmc).status() is False
    assert rig.bmc.state.arrived[SET_PRIVILEGE] == 1
    rig.bmc.faults.unheard = frozenset()
    bmc.close()
    rig.bmc.state.arrived.clear()
    assert await IpmiPower(bmc).status() is False
    assert rig.bmc.state.arrived == {SET_PRIVILEGE: 1, STATUS: 1, (0x06, 0x3C): 1}


async def test_a_bmc_that_grants_no_privilege_tells_users_what_they_may_know(rig: Rig, pool: Pool) -> None:
    rig.bmc.faults.refused = frozenset({SET_PRIVILEGE})
    power = IpmiPower(pool.get(rig.login()))
    assert await power.status() is False
    with pytest.raises(RefusedError, match="while requesting privilege"):
        await power.change(PowerChange.ON)
    assert rig.machine.controls == []


async def test_a_bmc_that_is_silent_until_it_is_asked_what_it_is_capable_of(rig: Rig, pool: Pool) -> None:
    rig.bmc.faults.capabilities_first = True
    assert await IpmiPower(pool.get(rig.login())).status() is False
    assert [session.suite.number for session in rig.bmc.sessions.values()] == [17]


async def test_an_unknown_user_stays_unknown(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(faults=Faults(operator_at="name"))
    with pytest.raises(logins.UnknownUserError):
        await IpmiPower(pool.get(rig.login(user=b"nobody"))).status()


@pytest.mark.parametrize(
    ("faults", "suite"),
    [
        (Faults(refused_suites=frozenset({17})), 3),
        (Faults(refused_suites=frozenset({3})), 17),
        (Faults(silent_suites=frozenset({17})), 3),
        (Faults(broken_suites=frozenset({17})), 3),
        (Faults(chosen_suite=3), 3),
    ],
    ids=["3 only", "17 only", "17 ignored", "17 broken", "3 chosen"],
)
async def test_the_cipher_suite_is_found_and_remembered(
    make_rig: MakeRig, pool: Pool, faults: Faults, suite: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipmi_session, "OPEN_RETRY_S", 0.05)
    rig = await make_rig(faults=faults)
    bmc = pool.get(rig.login())
    for _ in range(2):
        assert await IpmiPower(bmc).status() is False
        assert suite in {session.suite.number for session in rig.bmc.sessions.values() if session.keys}
        rig.bmc.forget()
        bmc.close()
    before = next(rig.bmc._numbers)
    await IpmiPower(bmc).status()
    assert next(rig.bmc._numbers) == before + 2  # one session was asked for, not two


async def test_what_was_remembered_is_no_longer_so(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(faults=Faults(refused_suites=frozenset({17}), operator_at="role"))
    bmc = pool.get(rig.login())
    await IpmiPower(bmc).status()
    bmc.close()
    rig.bmc.faults.refused_suites, rig.bmc.faults.operator_at = frozenset({3}), None
    assert await IpmiPower(bmc).status() is False


@pytest.mark.parametrize("faults", [{}, {"refused_suites": frozenset({3})}, {"refused_suites": frozenset({17})}])
async def test_a_wrong_password_is_said_whatever_else_was_tried(
    make_rig: MakeRig, pool: Pool, faults: dict[str, frozenset[int]]
) -> None:
    rig = await make_rig(faults=Faults(**faults))
    with pytest.raises(WrongPasswordError, match="wrong password for BMC"):
        await IpmiPower(pool.get(rig.login(password=b"wrong"))).status()


async def test_a_bmc_without_a_safe_suite_is_refused(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig(faults=Faults(refused_suites=frozenset({3, 17})))
    with pytest.raises(RefusedError, match=r"refused the login: .*[Cc]ipher"):
        await IpmiPower(pool.get(rig.login())).status()


async def test_the_key_of_a_bmc(make_rig: MakeRig, pool: Pool, site: Site) -> None:
    rig = await make_rig(kg=KEY)
    attributes = {"groups": "all", "mgt": "ipmi", "bmc": f"127.0.0.1:{rig.port}", "bmcusername": USER.decode()}
    site.set("node", "n1", **attributes, bmcpassword=PASSWORD.decode())

    def login() -> logins.BmcLogin:
        return logins.login(site, site.nodes["n1"])

    with pytest.raises(WrongKeyError, match="a key K_g, and the node has no bmckg"):
        await IpmiPower(pool.get(login())).status()
    site.set("node", "n1", bmckg="wrong")
    with pytest.raises(WrongKeyError, match="another key K_g than bmckg says") as caught:
        await IpmiPower(pool.get(login())).status()
    assert "chdef NODE bmckg" in str(caught.value.hint)
    site.set("node", "n1", bmckg=f"0x{KEY.hex()}")
    assert await IpmiPower(pool.get(login())).status() is False
    assert KEY.hex() not in repr(login()) and str(KEY) not in repr(login())
    # ipmitool agrees with the simulator about what a key is.
    argv = ["ipmitool", "-I", "lanplus", "-C", "17", "-H", "127.0.0.1", "-p", str(rig.port), "-U", USER.decode()]
    argv += ["-P", PASSWORD.decode(), "-y", KEY.hex(), "chassis", "power", "status"]
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True)
    assert done.stdout == "Chassis Power is off\n"


async def test_the_longest_password_of_ipmi_2(make_rig: MakeRig, pool: Pool) -> None:
    rig = await make_rig()
    rig.bmc.users[USER] = b"x" * 20
    assert await IpmiPower(pool.get(rig.login(password=b"x" * 20))).status() is False
    with pytest.raises(WrongPasswordError) as caught:
        await IpmiPower(pool.get(rig.login(node="n2", password=b"y" * 18))).status()
    assert "It has 18 bytes; some BMCs keep 16." in str(caught.value.hint)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"bmcusername": "a-name-of-17-byte"}, "the user a-name-of-17-byte of its BMC has 17 bytes, IPMI allows 16"),
        ({"bmcusername": "äääääääää"}, "has 18 bytes, IPMI allows 16"),
        ({"bmcpassword": "p" * 21}, "the password of its BMC has 21 bytes, IPMI allows 20"),
        ({"bmckg": "0x" + "ab" * 21}, "the key bmckg of its BMC has 21 bytes, IPMI allows 20"),
        ({"bmckg": "0xyz"}, "begins with 0x and is not hexadecimal"),
    ],
)
def test_what_is_too_long_is_named(site: Site, attributes: dict[str, str], words: str) -> None:
    known = {"groups": "all", "mgt": "ipmi", "bmc": "10.0.0.1", "bmcusername": "u", "bmcpassword": "p"}
    site.set("node", "n1", **{**known, **attributes})
    with pytest.raises(DefinitionError, match=words) as caught:
        logins.login(site, site.nodes["n1"])
    assert "p" * 21 not in str(caught.value) and Secret("ab" * 21).reveal() not in str(caught.value)
    assert next(iter(attributes)) in str(caught.value.hint)


async def test_packets_that_are_no_ipmi_are_ignored(
    make_rig: MakeRig, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    rig = await make_rig(faults=Faults(garbage=True))
    power = IpmiPower(pool.get(rig.login()))
    assert await power.status() is False
    await power.change(PowerChange.ON)
    assert rig.machine.power and await power.status() is True
    assert not caplog.records
