"""The simulated BMC, judged by clients that share no code with it: ipmitool, FreeIPMI and stock pyghmi."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from bmc_rig import PASSWORD, USER, MakeRig, Rig
from waiting import until_async as until

from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.simulator import Faults

SUITES = pytest.mark.parametrize("suite", [3, 17])


async def program(*argv: str, stdin: bytes | None = None, timeout_s: float = 30) -> tuple[int, str]:
    """Run a client; the password travels by the environment."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        env={**os.environ, "IPMI_PASSWORD": PASSWORD.decode()},
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(timeout_s):
        output, _ = await process.communicate(stdin)
    return process.returncode or 0, output.decode()


async def ipmitool(rig: Rig, suite: int, *words: str, user: str = USER.decode()) -> tuple[int, str]:
    where = ("-I", "lanplus", "-C", str(suite), "-H", "127.0.0.1", "-p", str(rig.port), "-U", user, "-E")
    return await program("ipmitool", *where, *words)


async def freeipmi(rig: Rig, suite: int, name: str, *words: str) -> tuple[int, str]:
    """Run a FreeIPMI client; it knows no other way than a file to keep a password out of argv."""
    where = ("-D", "LAN_2_0", "-I", str(suite), "-h", f"127.0.0.1:{rig.port}", "--config-file=/dev/stdin")
    settings = f"username {USER.decode()}\npassword {PASSWORD.decode()}\n"
    return await program(name, *where, *words, stdin=settings.encode())


@SUITES
async def test_ipmitool_power(rig: Rig, suite: int) -> None:
    assert await ipmitool(rig, suite, "power", "status") == (0, "Chassis Power is off\n")
    assert await ipmitool(rig, suite, "power", "on") == (0, "Chassis Power Control: Up/On\n")
    assert await ipmitool(rig, suite, "power", "status") == (0, "Chassis Power is on\n")
    for word in ("reset", "cycle", "diag", "soft"):
        assert (await ipmitool(rig, suite, "power", word))[0] == 0
    assert rig.machine.controls == [
        PowerChange.ON,
        PowerChange.RESET,
        PowerChange.CYCLE,
        PowerChange.NMI,
        PowerChange.SOFT_OFF,
    ]
    status, text = await ipmitool(rig, suite, "power", "reset")
    assert status != 0
    assert "not supported in present state" in text


@SUITES
async def test_ipmitool_boot_device(rig: Rig, suite: int) -> None:
    assert (await ipmitool(rig, suite, "chassis", "bootdev", "pxe", "options=persistent"))[0] == 0
    assert rig.machine.boot == BootOverride(BootDevice.NETWORK, persistent=True)
    assert "Force PXE" in (await ipmitool(rig, suite, "chassis", "bootparam", "get", "5"))[1]


async def test_ipmitool_device_guid_and_suites(rig: Rig) -> None:
    assert "IPMI Version              : 2.0" in (await ipmitool(rig, 17, "mc", "info"))[1]
    assert (await ipmitool(rig, 17, "mc", "guid"))[0] == 0
    status, text = await ipmitool(rig, 17, "channel", "getciphers", "ipmi", "1")
    assert status == 0
    assert "sha256" in text


async def test_ipmitool_wrong_password_user_suite_and_full_house(rig: Rig, make_rig: MakeRig) -> None:
    assert "unauthorized name" in (await ipmitool(rig, 17, "-v", "power", "status", user="nobody"))[1]
    rig.bmc.users[USER] = b"changed"
    assert "RAKP 2 HMAC is invalid" in (await ipmitool(rig, 17, "-v", "power", "status"))[1]
    only3 = await make_rig(faults=Faults(refused_suites=frozenset({17})))
    assert (await ipmitool(only3, 17, "power", "status"))[0] != 0
    full = await make_rig(sessions_max=0)
    assert "insufficient resources" in (await ipmitool(full, 17, "-v", "power", "status"))[1]


@SUITES
async def test_ipmitool_console(rig: Rig, suite: int) -> None:
    rig.machine.power = True
    assert "115.2" in (await ipmitool(rig, suite, "sol", "info"))[1]
    where = f"-I lanplus -C {suite} -H 127.0.0.1 -p {rig.port} -U {USER.decode()} -E"
    # ipmitool wants a terminal, which script(1) gives it.
    process = await asyncio.create_subprocess_exec(
        *("script", "-qfec", f"ipmitool {where} sol activate", "/dev/null"),
        env={**os.environ, "IPMI_PASSWORD": PASSWORD.decode()},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    seen = bytearray()

    async def watch() -> None:
        while process.stdout and (data := await process.stdout.read(4096)):
            seen.extend(data)

    watcher = asyncio.create_task(watch())
    await until(lambda: b"SOL Session operational" in seen)
    rig.machine.on_serial(b"login: " + b"x" * 1000)
    await until(lambda: seen.count(b"x") >= 1000)
    assert process.stdin
    process.stdin.write(b"root\r")
    await until(lambda: rig.machine.typed == b"root\r")
    process.stdin.write(b"\r~.")
    await until(lambda: rig.bmc.state.console.owner is None)
    await asyncio.wait_for(process.wait(), 10)
    await watcher


@SUITES
async def test_ipmiconsole(suite: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDER", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    inside = Path(__file__).with_name("console_at_623.py")
    alone = ("unshare", "--net", "--map-root-user", sys.executable, str(inside), str(suite))
    status, said = await program(*alone, timeout_s=120)
    assert (status, said) == (0, "ok\n")


@SUITES
async def test_freeipmi(rig: Rig, suite: int) -> None:
    assert await freeipmi(rig, suite, "ipmipower", "--stat") == (0, "127.0.0.1: off\n")
    assert await freeipmi(rig, suite, "ipmipower", "--on") == (0, "127.0.0.1: ok\n")
    assert await freeipmi(rig, suite, "ipmipower", "--stat") == (0, "127.0.0.1: on\n")
    assert "System Power                        : on" in (
        await freeipmi(rig, suite, "ipmi-chassis", "--get-chassis-status")
    )[1]  # fmt: skip


STOCK = """
import os, sys
from pyghmi.ipmi.command import Command
user, password = b"admin", os.environb[b"IPMI_PASSWORD"]
bmc = Command("127.0.0.1", user, password, port=int(sys.argv[1]))
print(bmc.get_power()["powerstate"], bmc.set_power("on", wait=True)["powerstate"])
print(bmc.set_bootdev("network")["bootdev"], bmc.get_bootdev()["bootdev"])
os._exit(0)
"""


async def test_stock_pyghmi(suite_rig: Rig) -> None:
    program_, script = sys.executable, STOCK.replace("os._exit(0)", "sys.stdout.flush()\nos._exit(0)")
    assert await program(program_, "-c", script, str(suite_rig.port)) == (0, "off on\nnetwork network\n")
