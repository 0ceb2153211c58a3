"""Loops that must not end: each starts again whatever ends it, and `sb service status` tells."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest
from waiting import until, until_async

from sbkernel.errors import ServiceError
from sbkernel.netboot import bootlog
from sbkernel.service import supervisor
from sbkernel.service.client import Service
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

FAILS_ONCE = """
import sys
from sbkernel.service import server
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.watcher import Watcher

def fails_once(kind, name):
    real, failed = getattr(kind, name), []
    def failing(self, *arguments):
        if not failed:
            failed.append(True)
            raise RuntimeError(f"injected into {name}")
        return real(self, *arguments)
    setattr(kind, name, failing)

fails_once(BootProgress, "_write")
fails_once(Watcher, "_look_forever")
sys.exit(server.main(["--site", sys.argv[1]]))
"""


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(supervisor, "_LONGEST_PAUSE_S", 0.002)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("how", ["ends", "is cancelled", "raises ours", "raises any"])
async def test_whatever_ends_a_loop_it_starts_again_and_stops_when_told(how: str) -> None:
    begun: list[str] = []

    async def body() -> None:
        begun.append(how)
        if len(begun) > 3:
            await asyncio.Event().wait()
        if how == "is cancelled":
            raise asyncio.CancelledError
        if how == "raises ours":
            raise ServiceError("the disk is full", hint="")
        if how == "raises any":
            raise KeyError("the key")

    loops = Supervisor()
    loops.start("a loop", body)
    await until_async(lambda: loops.states()[0]["restarts"] == 3)
    (state,) = loops.states()
    assert state["running"] is True
    said = {"ends": "it ended", "is cancelled": "it was cancelled", "raises ours": "the disk is full"}
    assert state["error"] == said.get(how, "KeyError: 'the key'")
    await loops.stop("a loop")
    assert (loops.states(), len(begun)) == ([], 4)
    await loops.stop("a loop")


async def test_a_loop_that_pauses_is_said_not_to_run_and_can_be_stopped() -> None:
    loops = Supervisor()

    async def body() -> None:
        raise ServiceError("never", hint="")

    loops.start("a loop", body)
    await until_async(lambda: not loops.states()[0]["running"])
    assert (loops.states()[0]["error"], loops.states()[0]["restarts"]) == ("never", 0)
    await loops.stop("a loop")


@pytest.fixture
def failing_service(site: Site) -> Iterator[Service]:
    """The real service, in which two loops fail once."""
    site.set("node", "n1", groups="all")
    process = subprocess.Popen([sys.executable, "-c", FAILS_ONCE, str(site.root)])
    service = Service(site)
    until(service.endpoint.socket.exists)
    yield service
    service.stop()
    process.wait(60)


def test_a_loop_that_failed_goes_on_and_is_shown(site: Site, failing_service: Service) -> None:
    body = urllib.parse.urlencode({"node": "n1", "stage": "userspace"}).encode()
    url = f"http://127.0.0.1:{site.http_port}/status"
    with urllib.request.urlopen(url, body, timeout=30) as answer:
        assert answer.status == 200
    until(lambda: site.nodes["n1"].get("status") == "booted")
    assert [event["stage"] for event in bootlog.read(site, "n1")] == ["userspace"]

    def shown() -> str:
        words = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "service", "status"]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout

    until(lambda: shown().count("restarted once") == 2)
    lines = [line for line in shown().splitlines() if line.startswith("runs: ")]
    assert [line for line in lines if "status of nodes, restarted once, last error" in line and "into _write" in line]
    assert [line for line in lines if "changes of definitions, restarted once" in line and "into _look_forever" in line]
    assert "runs:    consoles" in lines
    site.set("node", "n2", groups="all")
    until(lambda: (failing_service.status() or {})["nodes"] == 2)
