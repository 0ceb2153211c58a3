"""The boot web server over real HTTP: ranges, nothing above its directories, status posts, stages of a boot."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import until_async

from sbkernel.errors import ServiceError
from sbkernel.netboot import bootlog
from sbkernel.service.boot.boothttp import BootHttp
from sbkernel.service.boot.posts import PostError, check_post
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

DIGEST = "ab" * 32
CONTENT = os.urandom(3_000_000)


class Answer:
    """A parsed HTTP answer."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


@pytest.fixture
async def web(site: Site) -> AsyncIterator[Site]:
    site.set("node", "n1", groups="all")
    site.set("node", "n2", groups="all")
    (site.boot / "nodes").mkdir()
    (site.boot / "nodes" / "n1.ipxe").write_text("#!ipxe\n")
    (site.boot / "nodes" / "n2.ipxe").write_text("#!ipxe\n")
    (site.boot / "nodes" / ".n1.ipxe.new").write_text("half written")
    (site.catalog / DIGEST).mkdir()
    (site.catalog / DIGEST / "root.squashfs").write_bytes(CONTENT)
    (site.catalog / DIGEST / "kernel").write_bytes(b"kernel")
    (site.boot / "image").symlink_to(site.catalog / DIGEST)
    (site.boot / "escape").symlink_to(site.root / "site.db")
    (site.boot / "up").symlink_to(site.root)
    os.mkfifo(site.boot / "fifo")
    progress = BootProgress(site, Supervisor())
    server = BootHttp(site, progress, ["127.0.0.1"], site.nodes)
    await progress.start()
    await server.start()
    yield site
    await server.stop()
    await progress.stop()


async def ask(site: Site, target: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """Send a request with its target exactly as given: a client library would tidy `..` away."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.http_port)
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    raw = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return Answer(raw)


async def post(where: Site, /, **fields: str) -> Answer:
    body = urlencode(fields).encode()
    return await ask(where, "/status", method="POST", body=body, Content_Type="application/x-www-form-urlencoded")


async def test_a_whole_file_and_parts_of_it(web: Site) -> None:
    url = f"/catalog/{DIGEST}/root.squashfs"
    whole = await ask(web, url)
    assert (whole.status, whole.headers["content-type"]) == (200, "application/octet-stream")
    assert hashlib.sha256(whole.body).digest() == hashlib.sha256(CONTENT).digest()
    part = await ask(web, url, Range="bytes=2999000-")
    assert (part.status, part.body) == (206, CONTENT[2999000:])
    assert part.headers["content-range"] == "bytes 2999000-2999999/3000000"
    assert (await ask(web, url, Range="bytes=5-9")).body == CONTENT[5:10]
    assert (await ask(web, url, Range="bytes=3000000-")).status == 416


async def test_a_compressed_archive_is_sent_as_it_is(web: Site) -> None:
    """A proxy that takes it for a compressed answer would unpack it, and its sum would be wrong."""
    (web.catalog / DIGEST / "root.cpio.gz").write_bytes(CONTENT)
    answer = await ask(web, f"/catalog/{DIGEST}/root.cpio.gz", Accept_Encoding="gzip")
    assert (answer.headers["content-type"], answer.body) == ("application/octet-stream", CONTENT)
    assert "content-encoding" not in answer.headers


async def test_head_tells_the_size_and_sends_nothing(web: Site) -> None:
    answer = await ask(web, f"/catalog/{DIGEST}/root.squashfs", method="HEAD")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "3000000", b"")
    await ask(web, "/boot/nodes/n1.ipxe", method="HEAD")
    assert bootlog.read(web, "n1") == []


@pytest.mark.parametrize(
    "target",
    [
        "/", "/boot", "/boot/", "/boot/nodes", "/boot/nodes/", "/catalog/", f"/catalog/{DIGEST}", "/site.db", "/status",
        "/boot/../site.db", "/boot/nodes/../../site.db", "/boot/%2e%2e/site.db", "/boot/..%2fsite.db",
        "/boot/%252e%252e/site.db", "//site.db", "/boot//../site.db", "/boot/./nodes/n1.ipxe", "/boot/nodes//n1.ipxe",
        "/catalog/../log/service.log", "/boot/escape", "/boot/up/site.db", "/boot/fifo", "/boot/nodes/.n1.ipxe.new",
        "/boot/nodes/n1.ipxe%00", "/boot/nodes/n1.ipxe/", "/boot/nodes\\n1.ipxe", "/etc/passwd", "/boot/%2fetc/passwd",
        "/boot/" + "x" * 5000,
    ],
)  # fmt: skip
async def test_nothing_else_is_served(web: Site, target: str) -> None:
    answer = await ask(web, target)
    assert answer.status in (400, 404, 405), answer.body
    assert b"SQLite" not in answer.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "OPTIONS"])
async def test_files_cannot_be_written(web: Site, method: str) -> None:
    assert (await ask(web, "/boot/nodes/n1.ipxe", method=method, body=b"x")).status == 405


async def test_a_link_between_served_directories_is_followed(web: Site) -> None:
    assert (await ask(web, "/boot/image/kernel")).body == b"kernel"


async def test_fetches_become_stages_of_the_right_node(web: Site) -> None:
    await ask(web, "/boot/nodes/n1.ipxe")
    await ask(web, f"/catalog/{DIGEST}/kernel")
    await ask(web, "/boot/nodes/n2.ipxe")
    await ask(web, f"/catalog/{DIGEST}/kernel?node=n1")
    await ask(web, f"/catalog/{DIGEST}/kernel?node=nobody")
    assert [event["stage"] for event in bootlog.read(web, "n1")] == ["ipxe", "kernel", "kernel"]
    assert [event["stage"] for event in bootlog.read(web, "n2")] == ["ipxe"]


async def test_a_post_goes_into_the_boot_log_and_becomes_the_status(web: Site) -> None:
    answer = await post(web, node="n1", stage="fetched", uptime="3.25", bytes="123456", image=DIGEST)
    assert answer.status == 200
    (event,) = bootlog.read(web, "n1")
    assert (event["stage"], event["uptime"], event["bytes"], event["image"]) == ("fetched", 3.25, 123456, DIGEST)
    await wait_for_status(web, "n1", "booting")
    await post(web, node="n1", stage="failed", reason="checksum\nwrong\x1b[2J")
    await wait_for_status(web, "n1", "failed")
    assert bootlog.read(web, "n1")[-1]["reason"] == "checksum wrong [2J"
    assert web.nodes["n1"].get("statustime")
    assert web.nodes["n2"].get("status") == ""


async def wait_for_status(site: Site, node: str, status: str) -> None:
    await until_async(lambda: site.nodes[node].get("status") == status)


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"node": "n9", "stage": "initrd"}, {"node": "n1", "stage": "login"}, {"node": "n1", "stage": "power-on"},
        {"node": "n1", "stage": "x"}, {"node": "../n1", "stage": "initrd"},
        {"node": "n1", "stage": "initrd", "uptime": "soon"}, {"node": "n1", "stage": "initrd", "uptime": "nan"},
        {"node": "n1", "stage": "initrd", "bytes": "-1"}, {"node": "n1", "stage": "initrd", "Bad Key": "1"},
        {"node": "n1", "stage": "initrd", "reason": "x" * 2000},
        {"node": "n1", "stage": "initrd", **{f"field{i}": "1" for i in range(30)}},
    ],
)  # fmt: skip
async def test_a_bad_post_is_refused(web: Site, fields: dict[str, str]) -> None:
    assert (await post(web, **fields)).status == 400
    assert bootlog.read(web, "n1") == []


async def test_a_post_cannot_name_our_own_fields(web: Site) -> None:
    await post(web, node="n1", stage="initrd", t="0", site="x", self="y")
    (event,) = bootlog.read(web, "n1")
    assert (event["t"] > 1e9, event["self"]) == (True, "y")


async def test_a_post_that_is_too_large_is_refused(web: Site) -> None:
    assert (await post(web, node="n1", stage="initrd", reason="x" * 20_000)).status in (400, 413)
    assert (await ask(web, "/status", method="POST", body=b"\xff\xfe" * 100)).status == 400


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=30), max_size=5))
def test_any_post_is_taken_or_refused(fields: dict[str, str]) -> None:
    try:
        found = check_post({"node": "n1", "stage": "initrd", **fields}, {"n1"})
    except PostError:
        return
    assert all(str(value).isprintable() for value in found.data.values())


async def test_a_taken_port_says_what_to_type(site: Site) -> None:
    server = BootHttp(site, BootProgress(site, Supervisor()), ["127.0.0.1"], site.nodes)
    with (
        socket.create_server(("127.0.0.1", site.http_port)),
        pytest.raises(ServiceError, match="sb chdef -t site httpport="),
    ):
        await server.start()
    await server.stop()
