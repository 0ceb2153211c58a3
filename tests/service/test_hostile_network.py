"""A network on which not everybody means well: half requests, readers that do not read, floods, forged words.

Who behaves is served meanwhile. All over real sockets; the patience of the server is made short.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest
from waiting import until_async

from sbkernel.netboot import bootlog
from sbkernel.service.boot import boothttp, visitors
from sbkernel.service.boot import senders as senders_module
from sbkernel.service.boot.boothttp import BootHttp
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.boot.rates import Rates
from sbkernel.service.boot.senders import Senders
from sbkernel.service.boot.visitors import Patience
from sbkernel.service.messages import SyslogReceiver
from sbkernel.service.supervisor import Supervisor
from sbkernel.service.watcher import News
from sbkernel.site import Site

SMALL, LARGE = b"#!ipxe\n", 64 * 1024 * 1024
SHORT = Patience(request_s=2, stall_s=2, least_bytes=16 * 1024)
Start = Callable[..., Awaitable[BootHttp]]


@pytest.fixture
async def start(site: Site) -> AsyncIterator[Start]:
    """A function that starts the web server with some patience, for two nodes and an image of 64 MB."""
    for node in ("n1", "n2"):
        site.set("node", node, groups="all")
        (site.boot / "nodes").mkdir(exist_ok=True)
        (site.boot / "nodes" / f"{node}.ipxe").write_bytes(SMALL)
    with (site.boot / "image").open("wb") as image:
        image.truncate(LARGE)
    async with AsyncExitStack() as stack:

        async def begin(patience: Patience = SHORT) -> BootHttp:
            progress = BootProgress(site, Supervisor())
            senders = Senders(progress.leases)
            senders.take(News(everything=True, nodes=dict(site.nodes.many(["n1", "n2"]))))
            server = BootHttp(site, progress, ["127.0.0.1"], site.nodes, senders, patience)
            await server.start()
            stack.push_async_callback(progress.stop)
            stack.push_async_callback(server.stop)
            return server

        yield begin


async def connected(site: Site, said: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.http_port)
    writer.write(said)
    return reader, writer


async def fetched(site: Site, path: str = "/boot/nodes/n1.ipxe") -> bytes:
    """What a good node gets."""
    reader, writer = await connected(site, b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path.encode())
    raw = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    assert raw.startswith(b"HTTP/1.1 200"), raw[:200]
    return raw.partition(b"\r\n\r\n")[2]


async def posted(site: Site, **fields: str) -> int:
    body = urlencode(fields).encode()
    head = (
        "POST /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    )
    reader, writer = await connected(site, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    raw = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return int(raw.split()[1])


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes."""
    try:
        return await asyncio.wait_for(reader.read(), 30)
    except ConnectionError:
        return b""


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


FORM = b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
HALVES = {
    "nothing": b"",
    "half a line": b"GET /boot/no",
    "half a header": b"GET /boot/nodes/n1.ipxe HTTP/1.1\r\nHost: x\r\nX-Long: ",
    "half a body": FORM + b"Content-Length: 99\r\n\r\nnode=",
    "a body that no GET has": b"GET /boot/nodes/n1.ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
    "half of a second request": b"GET /boot/nodes/n1.ipxe HTTP/1.1\r\nHost: x\r\n\r\nGET /boot",
}


async def test_half_requests_are_closed_while_others_are_served(site: Site, start: Start) -> None:
    await start()
    halves = [await connected(site, said) for said in HALVES.values() for _ in range(20)]
    assert await fetched(site) == SMALL
    await asyncio.gather(*(closed(reader) for reader, _ in halves))
    for _, writer in halves:
        writer.close()


async def test_a_request_that_comes_letter_by_letter_is_closed(site: Site, start: Start) -> None:
    await start()
    reader, writer = await connected(site)

    async def drip() -> None:
        while True:
            writer.write(b"G")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    await closed(reader)
    dripping.cancel()


async def test_who_asks_again_on_one_connection_is_answered_each_time(
    site: Site, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    await start()
    reader, writer = await connected(site)
    for _ in range(5):
        writer.write(b"GET /boot/nodes/n1.ipxe HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert head.startswith(b"HTTP/1.1 200") and f"Content-Length: {len(SMALL)}".encode() in head
        assert await reader.readexactly(len(SMALL)) == SMALL
    assert await closed(reader) == b""
    writer.close()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def narrow(site: Site, said: bytes) -> socket.socket:
    """A connection with little room for what comes, and that says something."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", site.http_port))
    client.sendall(said)
    client.setblocking(False)
    return client


GET_IMAGE = b"GET /boot/image HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_who_does_not_read_holds_neither_descriptor_nor_memory(site: Site, start: Start) -> None:
    server = await start()
    before = open_files()
    clients = [narrow(site, GET_IMAGE) for _ in range(10)]
    clients += [narrow(site, GET_IMAGE * 50) for _ in range(3)]
    await until_async(lambda: open_files() >= before + 2 * len(clients))
    assert await fetched(site) == SMALL
    await until_async(lambda: server.refused().get("took too little", 0) == len(clients))
    await until_async(lambda: open_files() <= before + len(clients), seen=lambda: (open_files(), server.refused()))
    for client in clients:
        client.close()


async def test_who_reads_slowly_but_reads_is_served(site: Site, start: Start) -> None:
    server = await start(Patience(stall_s=1.5, least_bytes=1))
    client = narrow(site, GET_IMAGE)
    got, loop, began = 0, asyncio.get_running_loop(), asyncio.get_running_loop().time()
    while loop.time() < began + 4:
        got += len(await loop.sock_recv(client, 4096))
        await asyncio.sleep(0.02)
    assert got and not server.refused()
    client.close()


async def test_there_is_always_a_place_for_who_asks_for_something(site: Site, start: Start) -> None:
    server = await start(Patience(request_s=60, most=20))
    idle = [await connected(site, b"GET /") for _ in range(100)]
    assert await fetched(site) == SMALL
    assert server.refused()["made room"] >= 80
    for _, writer in idle:
        writer.close()


async def test_one_address_has_so_many_connections(site: Site, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "is_here", lambda _: False)
    server = await start(Patience(request_s=60, stall_s=60, per_address=5))
    clients = [narrow(site, GET_IMAGE) for _ in range(5)]
    await until_async(lambda: len(server._visitors._here) == 5)
    await until_async(lambda: all(one.task for one in server._visitors._here.values()))
    reader, writer = await connected(site, b"GET /boot/nodes/n1.ipxe HTTP/1.0\r\n\r\n")
    assert await closed(reader) == b"", "all five are busy"
    assert server.refused()["found no room"] == 1
    writer.close()
    for client in clients:
        client.close()
    await until_async(lambda: not server._visitors._here or all(map(visitors._is_gone, server._visitors._here)))
    assert await fetched(site) == SMALL


@pytest.mark.parametrize(
    "said",
    [
        b"GET /boot/nodes/n1.ipxe HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /boot/nodes/n1.ipxe HTTP/1.1\r\n" + b"X: x\r\n" * 100_000 + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500),
        b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000, b"\0" * 70_000,
        b"POST /status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 100_000,
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: 9\r\n\r\n--x\r\nfoo:",
    ],
    ids=range(12),
)  # fmt: skip
async def test_what_is_no_request_is_refused_and_hurts_nobody(site: Site, start: Start, said: bytes) -> None:
    await start()
    reader, writer = await connected(site, said)
    answer = await closed(reader)
    assert not answer or answer.split()[1][:1] in (b"4", b"5"), answer[:100]
    assert bootlog.read(site, "n1") == []
    assert await fetched(site) == SMALL
    writer.close()


async def test_a_flood_of_posts_fills_no_disk_and_holds_up_nobody(
    site: Site, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boothttp, "_OF_A_NODE", (20, 0.1))
    server = await start()
    answers = [await posted(site, node="n1", stage="initrd", reason="x" * 1000) for _ in range(60)]
    assert answers.count(200) < 40 and 429 in answers
    assert server.refused()["too many of one node"] == answers.count(429)
    assert len(bootlog.read(site, "n1")) == answers.count(200)
    for _ in range(60):
        assert await fetched(site) == SMALL
    assert len(bootlog.read(site, "n1")) < 60, "what is fetched too often is served, and not written down"
    assert await posted(site, node="n2", stage="initrd") == 200


async def test_good_nodes_are_served_during_floods(site: Site, start: Start) -> None:
    """Half requests, wrong posts, syslog by UDP: all at once, as fast as this thread can."""
    await start(Patience())
    syslog = SyslogReceiver(site, ["127.0.0.1"], rates=Rates(50, 10))
    await syslog.start()
    over = asyncio.Event()

    async def flood() -> None:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setblocking(False)
        while not over.is_set():
            for _ in range(50):
                udp.sendto(b"<13>x: " + b"y" * 800, ("127.0.0.1", site.syslog_port))
            _, writer = await connected(site, HALVES["half a header"])
            await posted(site, node="n9", stage="initrd")
            writer.close()
        udp.close()

    floods = [asyncio.create_task(flood()) for _ in range(5)]
    for _ in range(3):
        assert len(await fetched(site, "/boot/image")) == LARGE
        assert await posted(site, node="n2", stage="fetched") == 200
    over.set()
    await asyncio.gather(*floods)
    assert syslog.refused()["syslog messages, too many"]
    await syslog.stop()
    assert (site.log / "messages").stat().st_size < 1_000_000
    assert [event["stage"] for event in bootlog.read(site, "n2")] == ["fetched"] * 3


async def test_a_node_cannot_speak_for_another_one(site: Site, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here 127.0.0.1 is an address like any other."""
    monkeypatch.setattr(senders_module, "is_here", lambda _: False)
    site.set("node", "n1", ip="10.9.9.9")
    server = await start()
    assert await posted(site, node="n1", stage="initrd") == 200
    assert bootlog.read(site, "n1")[-1]["from_unknown"] == "127.0.0.1"
    assert await posted(site, node="n2", stage="initrd", from_unknown="x") == 200
    assert "from_unknown" not in bootlog.read(site, "n2")[-1], "nothing is known of it"
    site.set("node", "n2", ip="127.0.0.1")
    server._senders.take(News(nodes=dict(site.nodes.many(["n2"]))))
    assert await posted(site, node="n1", stage="failed", reason="forged") == 403
    assert await fetched(site, "/boot/nodes/n1.ipxe") == SMALL
    assert [event["stage"] for event in bootlog.read(site, "n1")] == ["initrd"], "a fetch for another one tells nothing"
    assert server.refused() == {"from the address of another node": 2, "from an unknown address: marked": 1}
