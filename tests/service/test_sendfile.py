"""Large files by threads: every byte once, slow readers hold no thread, nothing stays open, a file that shrinks."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from waiting import until_async

from sbkernel.service.boot.boothttp import BootHttp
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.boot.sendfile import LARGE
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

CONTENT = os.urandom(1 << 20) * ((LARGE >> 20) + 20)
REQUEST = "GET /boot/image HTTP/1.1\r\nHost: x\r\n{}\r\n"
CLOSE = REQUEST.format("Connection: close\r\n").encode()


@pytest.fixture
async def image(site: Site) -> AsyncIterator[Path]:
    """An image that is served."""
    file = site.boot / "image"
    file.write_bytes(CONTENT)
    progress = BootProgress(site, Supervisor())
    server = BootHttp(site, progress, ["127.0.0.1"], site.nodes)
    await server.start()
    yield file
    await server.stop()
    await progress.stop()


async def fetched(site: Site, extra: str = "") -> tuple[bytes, bytes]:
    """Head and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.http_port)
    writer.write(REQUEST.format(f"Connection: close\r\n{extra}").encode())
    raw = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    head, _, body = raw.partition(b"\r\n\r\n")
    return head, body


def stalled(site: Site) -> socket.socket:
    """Somebody who asks, and reads nothing."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", site.http_port))
    one.sendall(CLOSE)
    return one


def holders_of(file: Path) -> int:
    """How often this process has a file open."""
    found = 0
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += one.readlink() == file
    return found


async def test_many_at_once_get_every_byte(site: Site, image: Path) -> None:
    wanted = hashlib.sha256(CONTENT).digest()
    for head, body in await asyncio.gather(*(fetched(site) for _ in range(20))):
        assert head.startswith(b"HTTP/1.1 200") and f"Content-Length: {len(CONTENT)}".encode() in head
        assert hashlib.sha256(body).digest() == wanted
    await until_async(lambda: not holders_of(image))


async def test_a_part_is_that_part(site: Site, image: Path) -> None:
    first, last = 12_345, 12_345 + LARGE + 77_777
    head, body = await fetched(site, f"Range: bytes={first}-{last}\r\n")
    assert head.startswith(b"HTTP/1.1 206")
    assert body == CONTENT[first : last + 1]


async def test_a_connection_goes_on_afterwards(site: Site, image: Path) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.http_port)
    for _ in range(2):
        writer.write(REQUEST.format("").encode())
        await reader.readuntil(b"\r\n\r\n")
        assert await asyncio.wait_for(reader.readexactly(len(CONTENT)), 60) == CONTENT
    writer.close()


async def test_who_does_not_read_keeps_nobody_waiting(site: Site, image: Path) -> None:
    slow = [stalled(site) for _ in range(40)]
    try:
        await until_async(lambda: holders_of(image) >= len(slow))
        assert (await fetched(site))[1] == CONTENT
    finally:
        for one in slow:
            one.close()
    await until_async(lambda: not holders_of(image))


async def test_a_slow_reader_gets_all(site: Site, image: Path) -> None:
    one, loop, got = stalled(site), asyncio.get_running_loop(), bytearray()
    one.setblocking(False)
    while chunk := await asyncio.wait_for(loop.sock_recv(one, 30_000), 60):
        got += chunk
    one.close()
    assert got.partition(b"\r\n\r\n")[2] == CONTENT


async def test_a_file_that_becomes_shorter_ends_the_connection(site: Site, image: Path) -> None:
    one, loop, got = stalled(site), asyncio.get_running_loop(), bytearray()
    one.setblocking(False)
    got += await loop.sock_recv(one, 1000)
    os.truncate(image, 1 << 20)
    with contextlib.suppress(ConnectionResetError):
        while chunk := await asyncio.wait_for(loop.sock_recv(one, 1 << 16), 60):
            got += chunk
    one.close()
    assert len(got) < len(CONTENT)
    await until_async(lambda: not holders_of(image))
