"""What changes in the store reaches every part of the service; while nothing does, nothing is read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from service_rig import PASSWORD, USER, Bmcs
from waiting import until, until_async

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.store import sqlstore
from sbkernel.nodes.mkvm import mkvm, rmvm
from sbkernel.service import watcher as module
from sbkernel.service.boot.discovery import Macs
from sbkernel.service.client import Service
from sbkernel.service.console import consoles
from sbkernel.service.server import serve
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News, Watcher
from sbkernel.site import Site


class Reader:
    """Somebody who follows; `trouble` is raised instead of taking news in."""

    def __init__(self) -> None:
        self.heard: list[News] = []
        self.trouble: Exception | None = None

    async def take(self, news: News) -> None:
        if self.trouble:
            raise self.trouble
        self.heard.append(news)


async def test_a_follower_hears_of_everything_first_then_of_what_changed(site: Site) -> None:
    for name in ("n1", "n2", "n3"):
        site.set("node", name, groups="all,racked" if name != "n3" else "all")
    watcher, reader = Watcher(site, Supervisor()), Reader()
    follower = watcher.follow("test", reader.take)
    await watcher.start()
    await follower.catch_up()
    first = reader.heard.pop()
    assert (first.everything, sorted(first.nodes), first.touches("passwd")) == (True, ["n1", "n2", "n3"], True)
    assert ("n1" in watcher, "n9" in watcher, len(watcher)) == (True, False, 3)
    await follower.catch_up()
    assert reader.heard == []

    site.set("group", "racked", mgt="ipmi")
    site.delete("node", "n3")
    site.set("node", "n4", groups="all")
    await follower.catch_up()
    (news,) = reader.heard
    assert {name: node and node.get("mgt") for name, node in news.nodes.items()} == {
        "n1": "ipmi", "n2": "ipmi", "n3": None, "n4": "",
    }  # fmt: skip
    assert (news.everything, news.touches("group"), news.touches("passwd", "site")) == (False, True, False)
    assert ("n3" in watcher, "n4" in watcher, len(watcher)) == (False, True, 3)
    await watcher.stop()


async def test_news_that_were_not_taken_in_come_again_with_later_ones(site: Site) -> None:
    site.set("node", "n1", groups="all")
    watcher, reader = Watcher(site, Supervisor()), Reader()
    follower = watcher.follow("test", reader.take)
    await watcher.start()
    reader.trouble = RuntimeError("busy")
    for name in ("n2", "n3"):
        site.set("node", name, groups="all")
        with pytest.raises(RuntimeError):
            await follower.catch_up()
    site.delete("node", "n2")
    reader.trouble = None
    await follower.catch_up()
    (news,) = reader.heard
    assert (news.everything, news.nodes["n2"]) == (True, None)
    assert all(isinstance(news.nodes[name], Definition) for name in ("n1", "n3"))
    await watcher.stop()


async def test_too_much_at_once_is_everything(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlstore, "REMEMBERED", 4)
    watcher, reader = Watcher(site, Supervisor()), Reader()
    follower = watcher.follow("test", reader.take)
    await watcher.start()
    await follower.catch_up()
    site.change("node", {f"n{number}": {"groups": "all"} for number in range(9)})
    await follower.catch_up()
    assert (reader.heard[-1].everything, len(reader.heard[-1].nodes), len(watcher)) == (True, 9, 9)
    await watcher.stop()


@pytest.mark.parametrize("count", [1, 200])
async def test_an_idle_service_asks_one_question_a_tick(
    site: Site, bmcs: Bmcs, monkeypatch: pytest.MonkeyPatch, asked: list[str], count: int
) -> None:
    site.change("node", {f"x{number}": {"groups": "all", "vmhost": "elsewhere"} for number in range(count)})
    node = bmcs.add(site, "n1", bmcpassword="env:BMC_PASSWORD")
    monkeypatch.setenv("BMC_PASSWORD", PASSWORD)
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.01)
    ended = asyncio.Event()
    serving = asyncio.create_task(serve(site, ended))
    await until_async(lambda: node.bmc.sessions)
    asked.clear()
    await until_async(lambda: len(asked) > 20)
    assert {sql.split("WHERE")[0] for sql in asked} == {"SELECT id, objtype, name FROM revision "}
    ended.set()
    await serving


@pytest.mark.parametrize("whose", ["the node's", "the site's"])
async def test_a_password_that_changes_outside_of_the_store_is_read_again(
    site: Site, bmcs: Bmcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    monkeypatch.setattr(consoles, "_RETRY_LOGINS_S", 0.05)
    kept = f"file:{tmp_path / 'password'}"
    own = {"bmcpassword": kept} if whose == "the node's" else {"bmcpassword": "", "bmcusername": ""}
    node = bmcs.add(site, "n1", **own)
    site.set("passwd", "ipmi", username=USER, password=kept)
    ended = asyncio.Event()
    serving = asyncio.create_task(serve(site, ended))
    service = Service(site)
    await until_async(service.endpoint.socket.exists)
    for password, state in (("wrong", "wrong password"), (PASSWORD, "connected")):
        (tmp_path / "password").write_text(f"{password}\n")
        while state not in (await asyncio.to_thread(service.status) or {})["consoles"].get("n1", ""):
            await asyncio.sleep(0.01)
    assert node.bmc.sessions
    ended.set()
    await serving


def test_groups_and_passwords_reach_the_consoles(site: Site, bmcs: Bmcs, service: Service) -> None:
    def state() -> str | None:
        status = service.status()
        assert status is not None
        return status["consoles"].get("n1")

    bmcs.add(site, "n1", groups="all,racked", cons="", bmcusername="", bmcpassword="")
    service.ensure()
    assert state() is None
    site.set("passwd", "ipmi", username=USER, password="wrong")
    site.set("group", "racked", cons="ipmi")
    until(lambda: "wrong password" in (state() or ""))
    site.set("passwd", "ipmi", password=PASSWORD)
    until(lambda: state() == "connected")
    site.set("group", "racked", cons="")
    until(lambda: state() is None)


def test_the_first_virtual_node_starts_their_process_and_the_last_ends_it(site: Site, service: Service) -> None:
    def runs() -> bool:
        status = service.status()
        assert status is not None
        return bool(status["children"].get("virtual nodes"))

    def said(line: str) -> bool:
        log = site.log / "virtual.log"
        return log.exists() and line in log.read_text()

    site.set("node", "n1", groups="all")
    service.ensure()
    assert not runs()
    mkvm(site, "vn1")
    mkvm(site, "vn2")
    until(runs)
    until(lambda: said("vn1: BMC listens"))
    rmvm(site, "vn1")
    until(lambda: said("vn1: BMC removed"))
    assert runs()
    rmvm(site, "vn2")
    until(lambda: not runs())


def test_macs_follow_the_nodes() -> None:
    def node(name: str, mac: str) -> Definition:
        return Definition.of("node", name, {"mac": mac})

    macs = Macs()
    macs.take(News(True, {"n1": node("n1", "02:AA|02:bb!n1-eth1"), "n2": node("n2", "")}))
    assert [macs.get(mac) for mac in ("02:aa", "02:bb", "")] == ["n1", "n1", None]
    macs.take(News(False, {"n1": node("n1", "02:bb"), "n2": node("n2", "02:aa")}))
    assert [macs.get(mac) for mac in ("02:aa", "02:bb")] == ["n2", "n1"]
    macs.take(News(False, {"n2": None}))
    assert [macs.get(mac) for mac in ("02:aa", "02:bb")] == [None, "n1"]
    macs.take(News(True, {}))
    assert macs.get("02:bb") is None
