"""Consoles through the service, against simulated BMCs: logged, shared, watched for prompts."""

from __future__ import annotations

import json
import time

import pytest
from service_rig import Bmcs, Node, read_until
from waiting import until

from sbkernel.errors import NotFoundError
from sbkernel.netboot import bootlog
from sbkernel.service import verbs
from sbkernel.service.client import Service
from sbkernel.site import Site

STAMP_EVERY_S = 0.05
"""Bytes that come within this time of a stamp get none of their own."""


@pytest.fixture
def node(site: Site, bmcs: Bmcs, service: Service) -> Node:
    node = bmcs.add(site, "n1")
    node.machine.power = True
    service.ensure()
    until(lambda: console_state(service) == "connected")
    return node


def console_state(service: Service, node: str = "n1") -> str:
    status = service.status()
    assert status is not None
    return str(status["consoles"].get(node))


def test_every_byte_is_logged_and_indexed(site: Site, bmcs: Bmcs, node: Node) -> None:
    log = site.consoles / "n1.log"

    def index() -> list[tuple[float, int, str]]:
        return [json.loads(line) for line in (site.consoles / "n1.index").read_text().splitlines()]

    data = bytes(range(256)) * 20
    bmcs.say(node, data)
    until(lambda: log.read_bytes() == data)
    until(lambda: time.time() - index()[-1][0] > STAMP_EVERY_S)
    bmcs.say(node, b"later")
    until(lambda: log.read_bytes() == data + b"later")
    until(lambda: (5120, "out") in [(offset, kind) for _, offset, kind in index()])
    assert [kind for _, _, kind in index()][:2] == ["connected", "out"]
    assert [t for t, _, _ in index()] == sorted(t for t, _, _ in index())


def test_the_first_writes_the_others_watch(bmcs: Bmcs, node: Node, service: Service) -> None:
    with service.console("n1") as first, service.console("n1") as second:
        bmcs.say(node, b"hello both")
        assert b"hello both" in read_until(first, b"hello both")
        assert b"you are watching" in read_until(second, b"hello both")
        second.sendall(b"ignored")
        first.sendall(b"reboot\r")
        until(lambda: node.machine.typed == b"reboot\r")
        with service.console("n1", mode="force") as third:
            read_until(first, b"took the keyboard")
            first.sendall(b"no more")
            third.sendall(b"mine\r")
            until(lambda: node.machine.typed == b"reboot\rmine\r")
        read_until(first, b"you have the keyboard now")
        first.sendall(b"again")
        until(lambda: node.machine.typed.endswith(b"mine\ragain"))


def test_a_spy_never_writes_and_replay_shows_the_past(bmcs: Bmcs, node: Node, service: Service) -> None:
    bmcs.say(node, b"long ago ... just now")
    until(lambda: (service.site.consoles / "n1.log").stat().st_size == 21)
    with service.console("n1", mode="spy", replay=8) as spy:
        assert read_until(spy, b"just now") == b"just now"
        spy.sendall(b"rm -rf /\r")
        with service.console("n1") as writer:
            writer.sendall(b"ls")
            until(lambda: node.machine.typed == b"ls")


def test_a_client_that_does_not_read_is_let_go(bmcs: Bmcs, node: Node, service: Service) -> None:
    with service.console("n1") as stuck, service.console("n1", mode="spy") as reading:
        for _ in range(30):
            bmcs.say(node, b"x" * 60_000)
            got = 0
            while got < 60_000:
                got += len(reading.recv(65536))
        with service.console("n1") as next_one:
            next_one.sendall(b"free")
            until(lambda: node.machine.typed == b"free")
        stuck.close()


def test_a_login_prompt_is_a_stage_once_a_boot(site: Site, bmcs: Bmcs, node: Node) -> None:
    node.machine.power = False
    assert verbs.rpower(site, "n1", "on")[0].text == "on"
    bmcs.say(node, b"\x1b[0mDebian\r\n\r\nn1 lo")
    bmcs.say(node, b"gin: ")
    event = verbs.wait_for(site, "n1", "login", 10)
    assert event["prompt"] == "n1 login:"
    bmcs.say(node, b"\r\nn1 login: ")
    until(lambda: site.nodes["n1"].get("status") == "booted")
    assert [event["stage"] for event in bootlog.read(site, "n1")] == ["power-on", "login"]
    verbs.rpower(site, "n1", "boot")
    bmcs.say(node, b"\r\nn1 login: ")
    verbs.wait_for(site, "n1", "login", 10)
    assert [event["stage"] for event in bootlog.read(site, "n1", since_power_on=False)] == ["power-on", "login"] * 2


def test_a_panic_is_a_failure(site: Site, bmcs: Bmcs, node: Node) -> None:
    bmcs.say(
        node, b"[ 1.0] Kernel panic - not syncing: oh no\r\n[ 1.1] ---[ end Kernel panic - not syncing: oh no ]---\r\n"
    )
    until(lambda: site.nodes["n1"].get("status") == "failed")
    (event,) = bootlog.read(site, "n1")
    assert event["reason"] == "Kernel panic - not syncing: oh no"
    assert "oh no" in verbs.console_tail(site, "n1", 5)


def test_consoles_follow_the_store(site: Site, bmcs: Bmcs, node: Node, service: Service) -> None:
    bmcs.add(site, "n2")
    bmcs.add(site, "n3", cons="")
    until(lambda: console_state(service, "n2") == "connected")
    assert console_state(service, "n3") == "None"
    site.delete("node", "n2")
    until(lambda: console_state(service, "n2") == "None")
    with pytest.raises(NotFoundError, match="cons attribute"):
        service.console("n3")
    with pytest.raises(NotFoundError):
        service.console("nobody")


def test_a_console_comes_back_after_its_bmc_was_away(bmcs: Bmcs, node: Node, service: Service) -> None:
    service.stop()
    until(lambda: not node.bmc.sessions)
    service.ensure()
    until(lambda: console_state(service) == "connected")
    with service.console("n1") as line:
        bmcs.say(node, b"back")
        assert read_until(line, b"back")
