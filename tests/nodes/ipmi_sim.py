"""OpenIPMI's ipmi_sim, a BMC that shares no code with us, as a real process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from sbkernel.nodes.ipmi.logins import BmcLogin

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

    def sets(self) -> list[str]:
        """Return what was done to the machine, such as `power 1`, in order."""
        calls = (self.here / "calls").read_text().splitlines()
        return [call.partition("set ")[2] for call in calls if "set " in call]

    @property
    def powered(self) -> bool:
        return (self.here / "power").read_text().strip() == "1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        while data := await reader.read(4096):
            self.typed += data


@contextlib.asynccontextmanager
async def running(here: Path, *more: str) -> AsyncIterator[Sim]:
    """Run an ipmi_sim with its files in a directory; `more` are lines of ipmi_sim_cmd(5)."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        sim = Sim(probe.getsockname()[1], here)
    serial = await asyncio.start_server(sim.serve, "127.0.0.1", 0)
    control = here / "control"
    control.write_text(CONTROL.format(here=here))
    control.chmod(0o755)
    (here / "power").write_text("0\n")
    (here / "calls").touch()
    lan, emulator = here / "lan.conf", here / "sim.emu"
    lan.write_text(LAN.format(port=sim.port, serial=serial.sockets[0].getsockname()[1], control=control))
    emulator.write_text(EMULATOR.replace("mc_enable", "\n".join([*more, "mc_enable"])))
    process = await asyncio.create_subprocess_exec(
        *("ipmi_sim", "-c", lan, "-f", emulator, "-s", here / "state", "-n"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield sim
    finally:
        process.kill()
        await process.wait()
        serial.close()
