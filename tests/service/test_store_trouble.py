"""The store breaks under the running service: boots are followed all the same, and nothing of them is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import postgres_server
import pytest
from waiting import until, until_async

from sbkernel.definitions.store import sqlite
from sbkernel.errors import SbkernelError
from sbkernel.netboot import bootlog
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.client import Service
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

Step = Callable[[], None]


class Breakable:
    """Where a site is, what breaks its store, and what mends it."""

    def __init__(self, where: Path, break_it: Step, mend: Step) -> None:
        self.where, self.break_it, self.mend = where, break_it, mend


@pytest.fixture(params=["sqlite", "postgresql"])
def breakable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Breakable]:
    where = tmp_path / "site"
    if request.param == "sqlite":
        yield Breakable(where, partial(rename, where, "object", "away"), partial(rename, where, "away", "object"))
        return
    with postgres_server.running() as server:
        monkeypatch.setenv("SBKERNEL_DB", server.url)
        yield Breakable(where, server.stop, server.start)


def rename(where: Path, old: str, new: str) -> None:
    """Take the table of all objects away, so that every statement fails at once."""
    db = sqlite3.connect(where / "site.db", timeout=60)
    db.execute(f"ALTER TABLE {old} RENAME TO {new}")
    db.close()


def post(site_port: int, node: str, stage: str) -> int:
    body = urllib.parse.urlencode({"node": node, "stage": stage}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{site_port}/status", body, timeout=60) as answer:
        return answer.status


def trouble(service: Service, loop: str) -> str:
    """Return the last error of a loop of the service."""
    status = service.status()
    assert status is not None
    return next(one["error"] for one in status["loops"] if one["name"] == loop)


def test_boots_go_on_while_the_store_is_broken_and_nothing_is_lost(breakable: Breakable) -> None:
    with Site.open(breakable.where) as site:
        for number in (1, 2, 3):
            site.set("node", f"n{number}", groups="all")
        (site.boot / "nodes").mkdir()
        (site.boot / "nodes" / "n3.ipxe").write_text("#!ipxe\n")
        service, port = Service(site), site.http_port
        service.ensure()
        try:
            breakable.break_it()
            assert post(port, "n1", "initrd") == 200
            until(lambda: trouble(service, "status of nodes"))
            assert [post(port, "n1", "userspace"), post(port, "n2", "failed")] == [200, 200]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/boot/nodes/n3.ipxe", timeout=60) as answer:
                assert answer.read() == b"#!ipxe\n"
            breakable.mend()
            until(lambda: [site.nodes[f"n{i}"].get("status") for i in (1, 2, 3)] == ["booted", "failed", "netbooting"])
            stages = [[event["stage"] for event in bootlog.read(site, f"n{i}")] for i in (1, 2, 3)]
            assert stages == [["initrd", "userspace"], ["failed"], ["ipxe"]]
            site.set("node", "n4", groups="all")
            until(lambda: (service.status() or {})["nodes"] == 4)
            assert post(port, "n4", "initrd") == 200
            until(lambda: site.nodes["n4"].get("status") == "netbooting")
        finally:
            service.stop()


def test_a_broken_store_is_shown_and_an_unknown_node_is_told_to_come_back(site: Site, service: Service) -> None:
    site.set("node", "n1", groups="all")
    port = site.http_port
    service.ensure()
    rename(site.root, "object", "away")
    post(port, "n1", "initrd")
    until(lambda: trouble(service, "status of nodes"))
    words = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), "service", "status"]
    said = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0
    (line,) = (one for one in said.stdout.splitlines() if "status of nodes" in one)
    assert "no such table" in line
    with pytest.raises(urllib.error.HTTPError, match="503"):
        post(port, "stranger", "initrd")
    rename(site.root, "away", "object")
    until(lambda: site.nodes["n1"].get("status") == "netbooting")


async def test_a_store_that_another_program_holds_for_long_costs_no_status(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.set("node", "n1", groups="all")
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    loops = Supervisor()
    progress = BootProgress(site, loops)
    await progress.start()
    with site.store.write("a long import"):
        progress.record("n1", "userspace")
        await until_async(lambda: "locked" in loops.states()[0]["error"])
        progress.record("n1", "failed")
    await until_async(lambda: site.nodes["n1"].get("status") == "failed")
    await progress.stop()


async def test_what_is_pending_at_the_end_is_written(site: Site) -> None:
    site.set("node", "n1", groups="all")
    progress = BootProgress(site, Supervisor())
    await progress.start()
    progress.record("n1", "userspace")
    progress.record("gone", "userspace")
    await progress.stop()
    assert (site.nodes["n1"].get("status"), "gone" in site.nodes) == ("booted", False)
    with pytest.raises(SbkernelError):
        progress._writer.store.names("node")
