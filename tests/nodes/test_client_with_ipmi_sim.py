"""Our client against OpenIPMI's ipmi_sim, a server that shares no code with us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from waiting import until_async as until

from sbkernel.nodes.bmc import BmcLogin
from sbkernel.nodes.chassis import BootDevice, BootFlags
from sbkernel.nodes.console import INSTANCE_INFO, Console
from sbkernel.nodes.failures import UnknownUserError, WrongPasswordError
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.rpower import power

LAN = """
name "n1"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 {port}
  priv_limit admin
  allowed_auths_callback none md2 md5 straight
  allowed_auths_user none md2 md5 straight
  allowed_auths_operator none md2 md5 straight
  allowed_auths_admin none md2 md5 straight
  guid a123456789abcdefa123456789abcdef
endlan
sol "tcp:127.0.0.1:{serial}" 115200 history=4000
chassis_control "{control}"
user 1 true "" "test" user 10 none md2 md5 straight
user 2 true "admin" "password" admin 10 none md2 md5 straight
"""
EMULATOR = """
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
CONTROL = """#!/bin/sh
cd {here}
echo "$@" >> calls
while [ $# -gt 0 ]; do
  [ "$1" = set ] && { [ "$2" = power ] && echo "$3" > power; exit 0; }
  [ "$1" = get ] && { [ "$2" = power ] && echo "power:$(cat power)" || echo "$2:default"; exit 0; }
  shift
done
""".replace("{ [", "{{ [").replace("; }", "; }}")


@dataclass
class Sim:
    """A running ipmi_sim and the far end of its serial line."""

    port: int
    here: Path
    typed: bytearray = field(default_factory=bytearray)
    lines: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def login(self) -> BmcLogin:
        return BmcLogin("n1", "127.0.0.1", self.port, b"admin", b"password")

    def calls(self) -> list[str]:
        return (self.here / "calls").read_text().splitlines()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        while data := await reader.read(4096):
            self.typed += data


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Sim]:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        sim = Sim(probe.getsockname()[1], tmp_path)
    serial = await asyncio.start_server(sim.serve, "127.0.0.1", 0)
    control = tmp_path / "control"
    control.write_text(CONTROL.format(here=tmp_path))
    control.chmod(0o755)
    (tmp_path / "power").write_text("0\n")
    (tmp_path / "calls").touch()
    lan, emulator = tmp_path / "lan.conf", tmp_path / "sim.emu"
    lan.write_text(LAN.format(port=sim.port, serial=serial.sockets[0].getsockname()[1], control=control))
    emulator.write_text(EMULATOR)
    process = await asyncio.create_subprocess_exec(
        *("ipmi_sim", "-c", lan, "-f", emulator, "-s", tmp_path / "state", "-n"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    yield sim
    process.kill()
    await process.wait()
    serial.close()


async def test_power(sim: Sim, pool: Pool) -> None:
    bmc = pool.get(sim.login)
    assert await power(bmc, "stat") == "off"
    assert await power(bmc, "boot") == "on"
    assert await power(bmc, "stat") == "on"
    assert await power(bmc, "boot") == "reset"
    assert await power(bmc, "off") == "off"
    assert await power(bmc, "stat") == "off"
    sets = [call.partition("set ")[2] for call in sim.calls() if "set " in call]
    assert [call.split()[:2] for call in sets] == [["power", "1"], ["reset", "1"], ["power", "0"]]


async def test_boot_device(sim: Sim, pool: Pool) -> None:
    await pool.get(sim.login).set_boot_flags(BootFlags(BootDevice.NETWORK))
    assert any("set boot pxe" in call for call in sim.calls())


async def test_wrong_password_and_user(sim: Sim, pool: Pool) -> None:
    with pytest.raises(WrongPasswordError):
        await pool.get(BmcLogin("n1", "127.0.0.1", sim.port, b"admin", b"wrong")).power()
    with pytest.raises(UnknownUserError):
        await pool.get(BmcLogin("n2", "127.0.0.1", sim.port, b"nobody", b"password")).power()


async def test_console_and_power_share_a_session(sim: Sim, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    bmc, seen, events, checks = pool.get(sim.login), bytearray(), list[str](), list[int]()
    command = bmc.command

    async def counted(netfn: int, number: int, *rest: object, **options: object) -> bytes:
        try:
            return await command(netfn, number, *rest, **options)
        finally:
            checks.extend([number] if number == INSTANCE_INFO else [])

    monkeypatch.setattr(bmc, "command", counted)
    await power(bmc, "on")
    console = Console(bmc, seen.extend, events.append, liveness_s=0.3)
    await console.open(10)
    await until(lambda: bool(sim.lines))
    sim.lines[-1].write(b"Debian login: " + b"y" * 600)
    await until(lambda: seen.count(b"y") == 600)
    console.write(b"root\r")
    await until(lambda: b"root" in sim.typed)
    assert await power(bmc, "stat") == "on"
    await until(lambda: len(checks) >= 3)
    assert events == ["console connected"]
    await console.close()
