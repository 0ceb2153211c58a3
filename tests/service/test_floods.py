"""Who says too much fills no disk and holds up nobody; and whose an address is."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from waiting import until_async

from sbkernel.netboot import bootlog
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.boot.rates import Rates
from sbkernel.service.boot.senders import Senders
from sbkernel.service.messages import SyslogReceiver
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News
from sbkernel.site import Site


async def test_who_floods_syslog_loses_messages_and_is_told_so(site: Site) -> None:
    syslog = SyslogReceiver(site, ["127.0.0.1"], rates=Rates(20, 5))
    await syslog.start()
    for host in ("127.0.0.2", "127.0.0.3"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((host, 0))
            for number in range(200 if host == "127.0.0.2" else 3):
                udp.sendto(b"<13>%s %d" % (host.encode(), number), ("127.0.0.1", site.syslog_port))
                await asyncio.sleep(0)
    log = site.log / "messages"
    await until_async(lambda: log.exists() and log.read_text().count("127.0.0.3 127.0.0.3") == 3)
    await until_async(lambda: syslog.refused().get("syslog messages, too many", 0) > 100)

    def tell() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.2", 0))
            udp.sendto(b"<13>again", ("127.0.0.1", site.syslog_port))
        return "messages were lost: more came than are taken" in log.read_text()

    await until_async(tell, every_s=0.1)
    await syslog.stop()


async def test_over_tcp_no_message_is_lost(site: Site) -> None:
    syslog = SyslogReceiver(site, ["127.0.0.1"], rates=Rates(5, 200))
    await syslog.start()
    _, writer = await asyncio.open_connection("127.0.0.1", site.syslog_port)
    writer.write(b"".join(b"line %d\n" % number for number in range(60)))
    await until_async(
        lambda: (site.log / "messages").exists() and (site.log / "messages").read_text().count("\n") == 60
    )
    writer.close()
    await syslog.stop()


async def test_the_log_of_messages_has_a_limit(site: Site) -> None:
    syslog = SyslogReceiver(site, ["127.0.0.1"], limit=10_000)
    await syslog.start()
    _, writer = await asyncio.open_connection("127.0.0.1", site.syslog_port)
    writer.write(b"".join(b"line %d %s\n" % (number, b"x" * 500) for number in range(100)))
    log = site.log / "messages"
    await until_async(lambda: log.exists() and "line 99" in log.read_text())
    writer.close()
    await syslog.stop()
    assert sum(path.stat().st_size for path in site.log.glob("messages*")) < 22_000


def test_a_boot_log_has_a_limit_and_keeps_what_the_node_runs(site: Site) -> None:
    bootlog.append(site, "n1", "power-on", action="boot")
    bootlog.append(site, "n1", "userspace", image="ab" * 32)
    for _ in range(2600):
        bootlog.append(site, "n1", "ipxe", filler="x" * 1000)
    assert bootlog.path(site, "n1").stat().st_size <= 2 * 1024 * 1024 + 2000
    events = bootlog.read(site, "n1")
    assert events[0]["action"] == "boot" and events[1]["image"] == "ab" * 32
    assert list((site.log / "boot").iterdir()) == [bootlog.path(site, "n1")]


NODES = {
    "n1": {"ip": "10.0.0.1", "nicips": "eth0!10.0.0.11|10.0.0.12,eth1!fe80::1"},
    "n2": {"ip": "10.0.0.2"},
    "n3": {"ip": "10.0.0.3", "servicenode": "sn1,sn2", "xcatmaster": "10.0.0.88"},
    "sn1": {"ip": "10.0.0.99"},
    "n4": {},
}


@pytest.mark.parametrize(
    ("node", "address", "standing"),
    [
        ("n1", "10.0.0.1", "own"), ("n1", "10.0.0.12", "own"), ("n1", "fe80::1", "own"), ("n1", "10.0.0.2", "other"),
        ("n1", "10.0.0.77", "unknown"), ("n1", "127.0.0.1", "own"), ("n1", "10.0.0.99", "other"),
        ("n3", "10.0.0.99", "own"), ("n3", "10.0.0.88", "own"), ("n4", "10.0.0.77", "own"), ("n4", "10.0.0.1", "other"),
        ("n2", "10.0.0.50", "own"), ("n1", "10.0.0.50", "other"), ("n4", "10.0.0.50", "other"), ("n1", "", "unknown"),
    ],
)  # fmt: skip
def test_whose_an_address_is(site: Site, node: str, address: str, standing: str) -> None:
    found = Senders({"n2": "10.0.0.50"})
    for name, values in NODES.items():
        site.set("node", name, groups="all", **values)
    nodes = site.nodes.many(list(NODES))
    found.take(News(everything=True, nodes=dict(nodes)))
    assert found.standing(node, address) == standing
    found.take(News(nodes=dict(nodes)))
    assert found.standing(node, address) == standing, "told twice"
    found.take(News(nodes=dict.fromkeys(nodes)))
    assert found.standing("n4", "10.0.0.1") == "own", "gone"


def test_a_prompt_that_is_repeated_for_ever_costs_one_look_a_second(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.set("node", "n1", groups="all")
    progress = BootProgress(site, Supervisor())
    looks: list[str] = []
    read = bootlog.read_end
    monkeypatch.setattr(bootlog, "read_end", lambda site, node, limit: looks.append(node) or read(site, node, limit))
    for _ in range(1000):
        progress.record_seen("n1", "login")
    assert len(looks) < 10 and len(bootlog.read(site, "n1")) == 1
    asyncio.run(progress.stop())


def test_rates_remember_so_many_and_refill(tmp_path: Path) -> None:
    rates = Rates(2, 1, remembered=10)
    assert [rates.take("a", 0), rates.take("a", 0), rates.take("a", 0)] == [True, True, False]
    assert [rates.take("b", 0), rates.take("a", 1), rates.take("a", 1)] == [True, True, False]
    for number in range(100):
        rates.take(str(number), 1)
    assert len(rates._left) == 10
