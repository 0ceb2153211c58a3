"""nodestat: xCAT's words for what answers on nodes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from service_rig import Bmcs

from sbkernel.nodes.remote import probe
from sbkernel.nodes.remote.ping import ping
from sbkernel.service import nodestat as module
from sbkernel.service.boot.posts import status_after
from sbkernel.service.client import Service
from sbkernel.service.nodestat import nodestat
from sbkernel.site import Site


@contextmanager
def speaking(words: bytes, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Let something listen that says some words to whoever comes."""
    with socket.create_server((host, port)) as server:
        server.settimeout(60)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(words)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_words_are_those_of_xcat(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PORTS", {"sshd": 22, "pbs": 15002})
    with speaking(b"SSH-2.0-x\r\n") as ssh, speaking(b"") as pbs:
        addresses = {
            "n1": ("127.0.0.2", ssh), "n2": ("127.0.0.1", pbs), "n3": ("127.0.0.3", 22), "n4": ("no.such.invalid", 22),
        }  # fmt: skip
        found = probe.services(addresses, timeout_s=30)
        assert found["n1"].services == {"sshd": False}, "nothing listens there"
        found = probe.services({"n1": ("127.0.0.1", ssh), "n2": ("127.0.0.1", pbs)}, timeout_s=30)
        assert found["n1"].services == {"sshd": True} and found["n1"].alive
        assert not found["n2"].alive, "an open port behind which nobody speaks is QEMU's, not the node's"
        site.set("node", "v1", groups="all", vmsshport=str(ssh))
        site.set("node", "v2", groups="all", vmsshport=str(pbs))
        states = nodestat(site, "all", update=True, timeout_s=30)
    assert {name: one.word for name, one in states.items()} == {"v1": "sshd", "v2": "noping"}
    node = site.nodes["v1"]
    assert (node.get("status"), node.get("appstatus")) == ("ping", "sshd=up")
    assert states.frame().word.tolist() == ["sshd", "noping"]


def test_a_host_that_refuses_is_alive_and_a_name_without_an_address_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = probe.services({"n3": ("127.0.0.3", 22), "n4": ("no.such.invalid", 22)}, timeout_s=30)
    assert found["n3"].alive and not found["n4"].known
    monkeypatch.setattr(
        module, "services", lambda *_: {"n4": replace(found["n4"]), "n5": probe.Answer(True, {"sshd": False})}
    )
    site.set("node", "n4", groups="all")
    site.set("node", "n5", groups="all")
    assert {name: one.word for name, one in nodestat(site, "all").items()} == {"n4": "nosuchhost", "n5": "ping"}


def test_ping_answers_or_is_not_allowed() -> None:
    assert ping(["127.0.0.1", "no.such.invalid"]) in ({"127.0.0.1"}, set())


def test_the_power_of_those_that_do_not_answer(site: Site, service: Service, bmcs: Bmcs) -> None:
    node = bmcs.add(site, "n1", vmsshport="1")
    node.machine.running = False
    assert nodestat(site, "n1", power=True, update=True)["n1"].word == "noping(off)"
    assert site.nodes["n1"].get("status") == "noping(off)"


def test_a_login_prompt_does_not_lift_what_scripts_made_of_a_node() -> None:
    assert status_after({"userspace"}, "login") == "booted"
    assert status_after({"userspace", "postscripts", "failed"}, "login") is None
    assert status_after({"userspace", "postscripts"}, "booted") == "booted"
    assert status_after({"userspace"}, "postscripts") == "postbooting"
