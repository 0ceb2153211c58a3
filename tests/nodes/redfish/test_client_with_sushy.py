"""Our client against sushy-tools' emulator, which shares no code with us: no sessions, HTTP/1.0, slow machines."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import bcrypt
import pytest
from waiting import until_async as until

from sbkernel.nodes.failures import WrongPasswordError
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.redfish.redfish import Redfish, RedfishPower
from sbkernel.nodes.simulator.redfish import key_and_certificate
from sbkernel.site import Site


@contextlib.asynccontextmanager
async def sushy_emulator(here: Path, user: str, password: str) -> AsyncIterator[int]:
    """Run an emulator with two systems, s1 and s2; yield its port."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pem, passwords, configuration = here / "bmc.pem", here / "passwords", here / "sushy.conf"
    pem.write_bytes(key_and_certificate("127.0.0.1"))
    passwords.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
    (here / "state").mkdir()
    systems = [
        {
            "uuid": f"27946b59-9e44-4fa7-8e91-f3527a1ef09{number}", "name": f"s{number}", "power_state": "Off",
            "external_notifier": False, "nics": [{"mac": f"00:5c:52:31:3a:9{number}", "ip": f"172.22.0.{number}"}],
        }
        for number in (1, 2)
    ]  # fmt: skip
    settings = {
        "SUSHY_EMULATOR_LISTEN_IP": "127.0.0.1", "SUSHY_EMULATOR_LISTEN_PORT": port,
        "SUSHY_EMULATOR_SSL_CERT": str(pem), "SUSHY_EMULATOR_SSL_KEY": str(pem),
        "SUSHY_EMULATOR_AUTH_FILE": str(passwords), "SUSHY_EMULATOR_STATE_DIR": str(here / "state"),
        "SUSHY_EMULATOR_FAKE_SYSTEMS": systems,
    }  # fmt: skip
    configuration.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("sushy-emulator"), "--fake", "--config", configuration),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=(here / "log").open("wb"),
    )  # fmt: skip

    def listens() -> bool:
        with contextlib.closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        gone = lambda: process.returncode is not None  # noqa: E731
        await until(listens, unless=gone, seen=(here / "log").read_text)
        yield port
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_power_and_boot_device_of_one_of_two_systems(tmp_path: Path) -> None:
    async with sushy_emulator(tmp_path, "admin", "s3cret") as port:
        with Site.open(tmp_path / "site") as site:
            address = {"groups": "all", "mgt": "redfish", "bmc": f"127.0.0.1:{port}", "bmcusername": "admin"}
            site.set("node", "s1", **address, bmcpassword="s3cret")
            site.set("node", "other", **address, bmcpassword="s3cret", bmcsystem="s2")
            site.set("node", "locked", **address, bmcpassword="no")
            method = Redfish(site)

            def power(node: str) -> RedfishPower:
                return method.power(method.login(site.nodes[node]))

            with pytest.raises(WrongPasswordError):
                await power("locked").status()
            assert [await power(node).status() for node in ("s1", "other")] == [False, False]
            await power("s1").set_boot(BootOverride(BootDevice.NETWORK, uefi=True))
            assert await power("s1").boot() is not None
            await power("s1").change(PowerChange.ON)
            while not await power("s1").status():
                await asyncio.sleep(0.2)
            assert await power("other").status() is False
            await method.log_out()
