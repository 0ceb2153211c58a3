"""Virtual nodes: the real process, real QEMU, a real console; nothing outlives it."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from waiting import until_async as until

from sbkernel.nodes.ipmi.ipmi import IpmiPower, Pool
from sbkernel.nodes.ipmi.logins import BmcLogin, login
from sbkernel.nodes.ipmi.solconsole import SolConsole
from sbkernel.nodes.mkvm import mkvm, rmvm
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.virtual import host
from sbkernel.nodes.virtual.host import VirtualNodes
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    # A long path on purpose: the path of a unix socket has room for 107 bytes only.
    return Site.open(tmp_path / ("a-site-with-a-long-name-" * 4))


@pytest.fixture
async def process(site: Site) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sbkernel.nodes.virtual", "--site", str(site.root)
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


def qemu_of(site: Site) -> list[int]:
    """Return the QEMU processes that run in this site."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                here = (entry / "cwd").readlink() == site.run
            except OSError:
                continue
            if (here and command.startswith(b"qemu")) or (here and b"/qemu-system" in command.split(b"\0")[0]):
                found.append(int(entry.name))
    return found


async def reached(site: Site, pool: Pool) -> tuple[IpmiPower, Callable[..., SolConsole]]:
    """Wait until the BMC of vm1, which is just coming up, answers; return its power, and what makes its console."""
    bmc = pool.get(login(site, site.nodes["vm1"]))
    power = IpmiPower(bmc)
    bmc.deadline_s = 20
    await power.status()
    bmc.deadline_s = 6
    return power, functools.partial(SolConsole, bmc)


async def test_power_console_reset_and_off(site: Site, process: asyncio.subprocess.Process, pool: Pool) -> None:
    mkvm(site, "vm1", memory_mb=128, cpus=1)
    power, console_of = await reached(site, pool)
    seen = bytearray()
    console = console_of(seen.extend)
    await console.open(10)
    assert not await power.status()
    await power.change(PowerChange.ON)
    assert await power.status()
    await until(lambda: b"SeaBIOS" in seen and b"iPXE" in seen, 120)
    first = qemu_of(site)
    await power.change(PowerChange.RESET)
    await until(lambda: seen.count(b"SeaBIOS") == 2)
    assert qemu_of(site) == first

    await power.set_boot(BootOverride(BootDevice.HARD_DRIVE))
    await power.change(PowerChange.RESET)
    await until(lambda: b"Boot failed" in seen or b"No bootable" in seen or b"Hard Disk" in seen, 120)
    assert qemu_of(site) != first
    assert not await power.boot()

    await power.change(PowerChange.OFF)
    assert not await power.status()
    await until(lambda: not qemu_of(site))
    await console.close()


async def typed(console: SolConsole, text: bytes, seen: bytearray) -> None:
    """Type as people do: the next key when the last one shows. A serial port loses what comes faster."""
    for key in text:
        before = len(seen)
        console.write(bytes([key]))
        await until(lambda before=before: len(seen) > before)


async def test_typed_bytes_reach_the_guest_which_may_reboot(
    site: Site, process: asyncio.subprocess.Process, pool: Pool
) -> None:
    mkvm(site, "vm1", memory_mb=128, cpus=1)
    power, console_of = await reached(site, pool)
    seen = bytearray()
    console = console_of(seen.extend)
    await console.open(10)
    await power.change(PowerChange.ON)
    await until(lambda: b"Ctrl-B for the iPXE command line" in seen, 120)
    console.write(b"\x02")
    await until(lambda: b"iPXE>" in seen, 120)
    await typed(console, b"echo ${net0/mac}\r", seen)
    mac = site.nodes["vm1"].get("mac").encode()
    await until(lambda: mac in seen, 120)
    running = qemu_of(site)
    await typed(console, b"reboot\r", seen)
    await until(lambda: seen.count(b"SeaBIOS") == 2)
    assert await power.status()
    assert qemu_of(site) == running
    await console.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
async def test_no_qemu_outlives_the_process(
    site: Site, process: asyncio.subprocess.Process, pool: Pool, number: signal.Signals
) -> None:
    mkvm(site, "vm1", memory_mb=128, cpus=1)
    power, _console_of = await reached(site, pool)
    await power.change(PowerChange.ON)
    await until(lambda: bool(qemu_of(site)))
    process.send_signal(number)
    await process.wait()
    await until(lambda: not qemu_of(site))


async def test_removed_node_loses_power_and_bmc(site: Site, process: asyncio.subprocess.Process, pool: Pool) -> None:
    mkvm(site, "vm1", memory_mb=128, cpus=1)
    power, _console_of = await reached(site, pool)
    await power.change(PowerChange.ON)
    await until(lambda: bool(qemu_of(site)))
    rmvm(site, "vm1")
    os.kill(process.pid, signal.SIGHUP)
    await until(lambda: not qemu_of(site))
    await until(lambda: "BMC removed" in (site.log / "virtual.log").read_text())


async def test_qemu_that_cannot_start_is_power_off_and_says_why(
    site: Site, process: asyncio.subprocess.Process, pool: Pool
) -> None:
    mkvm(site, "vm1", memory_mb=128, cpus=1)
    with socket.create_server(("127.0.0.1", int(site.nodes["vm1"].get("vmsshport")))):
        power, console_of = await reached(site, pool)
        seen = bytearray()
        console = console_of(seen.extend)
        await console.open(10)
        await power.change(PowerChange.ON)
        await until(lambda: b"QEMU failed" in seen and b"]" in seen, 120)
        assert not await power.status()
        assert "QEMU failed" in (site.log / "virtual.log").read_text()
    await power.change(PowerChange.ON)
    await until(lambda: b"SeaBIOS" in seen, 120)
    await console.close()


async def test_password_appears_in_no_log_and_no_argv(
    site: Site, process: asyncio.subprocess.Process, pool: Pool
) -> None:
    mkvm(site, "vm1", memory_mb=128, cpus=1)
    power, _console_of = await reached(site, pool)
    await power.change(PowerChange.ON)
    await until(lambda: bool(qemu_of(site)))
    secret = site.bmc_login("vm1")[1].reveal().encode()
    assert len(secret) >= 16
    for pid in (process.pid, *qemu_of(site)):
        assert secret not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert secret not in Path(f"/proc/{pid}/environ").read_bytes()
    assert secret not in (site.log / "virtual.log").read_bytes()


async def test_boot_loader_takes_the_nodes_script_over_http(
    site: Site, process: asyncio.subprocess.Process, pool: Pool
) -> None:
    requests = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readline()).decode().split()[:2])
        body = b"#!ipxe\necho the script of vm1 ran\nshell\n"
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    mkvm(site, "vm1", memory_mb=128, cpus=1)
    power, console_of = await reached(site, pool)
    seen = bytearray()
    console = console_of(seen.extend)
    async with await asyncio.start_server(answer, "127.0.0.1", site.http_port):
        await console.open(10)
        await power.change(PowerChange.ON)
        await until(lambda: b"the script of vm1 ran" in seen, 60)
    mac = site.nodes["vm1"].get("mac").replace(":", "-")
    assert requests == [["GET", f"/boot/by-mac/{mac}.ipxe"]]
    await console.close()


async def test_nothing_is_read_while_nothing_concerns_a_virtual_node(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkvm(site, "vm1")
    site.set("node", "real", groups="all,rack")
    nodes = VirtualNodes(site)
    read: list[int] = []
    real = host.virtual_nodes

    def counted(site: Site) -> tuple[dict[str, BmcLogin | None], dict[str, str]]:
        read.append(len(read))
        return real(site)

    monkeypatch.setattr(host, "virtual_nodes", counted)
    expected = 0
    for change, concerns in (
        (lambda: None, True),
        (lambda: None, False),
        (lambda: site.set("node", "real", status="booted"), False),
        (lambda: site.set("group", "rack", mgt="ipmi"), False),
        (lambda: site.set("node", "real", vmhost="localhost"), True),
        (lambda: site.set("node", "real", vmhost="elsewhere"), False),
        (lambda: site.set("passwd", "ipmi", username="admin", password="new"), True),
        (lambda: site.set("node", "vm1", bmcpassword="new"), True),
        (lambda: rmvm(site, "vm1"), True),
    ):
        change()
        await nodes.follow()
        expected += concerns
        assert len(read) == expected
    await nodes.close()


async def test_a_bmc_whose_port_was_taken_comes_when_it_is_free(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "RETRY_S", 0.0)
    mkvm(site, "vm1")
    address, port = site.nodes["vm1"].get("bmc").split(":")
    nodes = VirtualNodes(site)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((address, int(port)))
        await nodes.follow()
        assert "vm1: no BMC on" in (site.log / "virtual.log").read_text()
    await nodes.follow()
    assert "vm1: BMC listens" in (site.log / "virtual.log").read_text()
    await nodes.close()
