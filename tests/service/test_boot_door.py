"""The port of the boot web server is open before the server is read in, and who comes early is served."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import pytest
from waiting import until_async as until

from sbkernel.errors import ServiceError
from sbkernel.service.boot.boothttp import BootHttp
from sbkernel.service.boot.door import BootDoor
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.boot.senders import Senders
from sbkernel.service.supervisor import Supervisor
from sbkernel.site import Site

REQUEST = b"GET /boot/hello HTTP/1.0\r\n\r\n"


def door_of(site: Site, *addresses: str, soon_s: float = 3600, failures: int = 0) -> BootDoor:
    progress = BootProgress(site, Supervisor())
    senders = Senders(progress.leases)
    faults = [OSError(f"fault {number}") for number in range(failures)]

    def make() -> BootHttp:
        if faults:
            raise faults.pop()
        return BootHttp(site, progress, addresses, site.nodes, senders)

    return BootDoor(site.http_port, addresses, senders, make, soon_s=soon_s)


async def fetched(site: Site) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.http_port)
    writer.write(REQUEST)
    said = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return said


async def test_who_comes_first_is_served_and_who_comes_with_him_too(site: Site) -> None:
    (site.boot / "hello").write_text("hello, node")
    door = door_of(site, "127.0.0.1")
    await door.start()
    assert not door.is_served
    assert door.refused() == {}
    said = await asyncio.gather(*(fetched(site) for _ in range(20)))
    assert all(one.endswith(b"hello, node") for one in said)
    assert door.is_served
    await door.stop()
    with pytest.raises(OSError, match="Connect call failed"):
        await fetched(site)


async def test_the_server_is_read_in_though_nobody_comes(site: Site) -> None:
    door = door_of(site, "127.0.0.1", soon_s=0.01)
    await door.start()
    await until(lambda: door.is_served)
    await door.stop()


async def test_what_cannot_be_read_in_is_tried_again_and_whoever_came_is_served(site: Site) -> None:
    (site.boot / "hello").write_text("hello, node")
    door = door_of(site, "127.0.0.1", soon_s=0.05, failures=2)
    await door.start()
    assert (await fetched(site)).endswith(b"hello, node")
    await door.stop()


async def test_one_that_cannot_be_read_in_is_closed(site: Site) -> None:
    door = door_of(site, "127.0.0.1", soon_s=0.01, failures=1000)
    await door.start()
    coming = asyncio.create_task(fetched(site))
    await asyncio.sleep(0.05)
    await door.stop()
    await asyncio.gather(coming, return_exceptions=True)
    socket.create_server(("127.0.0.1", site.http_port)).close()


async def test_one_that_nobody_came_to_is_closed(site: Site) -> None:
    door = door_of(site, "127.0.0.1")
    await door.start()
    await door.stop()
    socket.create_server(("127.0.0.1", site.http_port)).close()
    assert not door.is_served


async def test_one_taken_port_and_nothing_listens(site: Site) -> None:
    door = door_of(site, "127.0.0.1", "127.0.0.2")
    with (
        socket.create_server(("127.0.0.2", site.http_port)),
        pytest.raises(ServiceError, match="sb chdef -t site httpport="),
    ):
        await door.start()
    socket.create_server(("127.0.0.1", site.http_port)).close()
    await door.stop()


def test_a_service_starts_without_what_only_some_need() -> None:
    code = "import sys, sbkernel.service.server; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"aiohttp", "pandas", "dask", "jinja2", "asyncssh", "pyghmi.ipmi.command"} & set(loaded)
