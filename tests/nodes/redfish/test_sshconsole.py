"""A console over ssh as a Redfish service offers it; the BMC's side is a real ssh server on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from redfish_rig import PASSWORD, USER, RedfishRig, redfish_rig
from waiting import until_async as until

from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.keptconsole import BACK_OFF_MAX_S
from sbkernel.nodes.redfish.sshconsole import Offer, SshConsole, offered

ENTRY = "console com2"


@dataclass
class Bmc:
    """The ssh of a BMC: it echoes in capitals what is typed."""

    key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    password: str = PASSWORD
    commands: list[str | None] = field(default_factory=list)
    terminals: list[str | None] = field(default_factory=list)
    logins: int = 0
    server: asyncssh.SSHAcceptor | None = None
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    port: int = 0

    async def start(self) -> None:
        bmc = self

        class Login(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                bmc.connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                bmc.logins += 1
                return (username, password) == (USER, bmc.password)

        self.server = await asyncssh.listen(
            "127.0.0.1", self.port, server_host_keys=[self.key], server_factory=Login,
            process_factory=self.serve, encoding=None, line_editor=False,
        )  # fmt: skip
        self.port = self.server.get_port()

    async def stop(self) -> None:
        for connection in self.connections:
            connection.abort()
        if self.server:
            self.server.close()
            await self.server.wait_closed()

    async def serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.commands.append(process.command)
        self.terminals.append(process.term_type)
        process.stdout.write(b"login: ")
        with contextlib.suppress(asyncssh.Error):
            while data := await process.stdin.read(100):
                process.stdout.write(data.upper())
        process.exit(0)


@pytest.fixture
async def bmc() -> AsyncIterator[Bmc]:
    bmc = Bmc()
    await bmc.start()
    yield bmc
    await bmc.stop()


@pytest.fixture
async def rig(tmp_path: Path, bmc: Bmc) -> AsyncIterator[RedfishRig]:
    async with redfish_rig(tmp_path) as rig:
        rig.bmc.serial_console = {"SSH": {"ServiceEnabled": True, "Port": bmc.port}}
        yield rig


class Seen:
    """What a console has written and said."""

    def __init__(self, console: SshConsole) -> None:
        self.console = console
        self.data = b""
        self.events: list[str] = []
        console.on_bytes, console.on_event = self._on_bytes, self.events.append

    def _on_bytes(self, data: bytes) -> None:
        self.data += data

    def says(self, text: str) -> bool:
        return any(text in event for event in self.events)


def console_of(rig: RedfishRig) -> SshConsole:
    return rig.method.console(rig.method.login(rig.site.nodes["n1"]))


@contextlib.asynccontextmanager
async def kept(console: SshConsole) -> AsyncIterator[Seen]:
    seen = Seen(console)
    console.keep()
    try:
        yield seen
    finally:
        await console.close()


async def test_bytes_go_both_ways_and_the_key_is_kept(rig: RedfishRig, bmc: Bmc) -> None:
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.data == b"login: ")
        seen.console.write(b"\x00root\xff\r")
        await until(lambda: seen.data.endswith(b"\x00ROOT\xff\r"))
    assert (bmc.commands, bmc.terminals) == ([None], ["vt100"])
    assert rig.site.nodes["n1"].get("bmchostkey") == bmc.key.get_fingerprint()
    assert seen.events == ["console connected", "console disconnected"]
    assert console_of(rig) is seen.console
    assert PASSWORD not in "".join(seen.events)


async def test_the_command_is_given_where_the_port_is_that_of_the_command_line(rig: RedfishRig, bmc: Bmc) -> None:
    rig.bmc.serial_console["SSH"] |= {"SharedWithManagerCLI": True, "ConsoleEntryCommand": ENTRY}
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.data)
    assert bmc.commands == [ENTRY]


async def test_it_comes_back_after_the_bmc_was_reset(rig: RedfishRig, bmc: Bmc) -> None:
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.console.connected)
        await bmc.stop()
        await until(lambda: seen.says("console disconnected"))
        assert not seen.console.connected
        seen.console.write(b"lost")
        await bmc.start()
        await until(lambda: seen.events.count("console connected") == 2)
    assert b"LOST" not in seen.data


async def test_another_key_gets_no_password_until_it_is_forgotten(rig: RedfishRig, bmc: Bmc) -> None:
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.console.connected)
    await bmc.stop()
    bmc.key, bmc.logins = asyncssh.generate_private_key("ssh-ed25519"), 0
    await bmc.start()
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.says("another host key"))
        assert bmc.logins == 0
        rig.site.set("node", "n1", bmchostkey="")
        assert console_of(rig) is seen.console
        await until(lambda: seen.console.connected)
    assert rig.site.nodes["n1"].get("bmchostkey") == bmc.key.get_fingerprint()


async def test_a_wrong_password_is_said_once_and_tried_seldom(rig: RedfishRig, bmc: Bmc) -> None:
    bmc.password = "another"
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.says("refuses this user or password"))
        assert seen.console._wait_s == BACK_OFF_MAX_S
    assert len(seen.events) == 1


async def test_a_bmc_that_does_not_answer_is_said(rig: RedfishRig, bmc: Bmc) -> None:
    await bmc.stop()
    async with kept(console_of(rig)) as seen:
        await until(lambda: seen.says("no answer from BMC 127.0.0.1:"))


@pytest.mark.parametrize(
    ("ssh", "says"),
    [
        ({}, "offers no console over ssh"),
        ({"ServiceEnabled": False, "Port": 2200}, "offers no console over ssh"),
        ({"ServiceEnabled": True, "Port": 70000}, "offers no console over ssh"),
        ({"ServiceEnabled": True, "SharedWithManagerCLI": True}, "which command enters its console"),
        ("nonsense", "offers no console over ssh"),
    ],
)
async def test_what_is_not_offered_is_said_with_the_other_way(ssh: Any, says: str) -> None:
    with pytest.raises(RefusedError, match=says) as caught:
        offered("n1", {"SerialConsole": {"SSH": ssh}})
    assert "cons=ipmi" in str(caught.value.hint)


def test_an_offer_has_ports_and_commands() -> None:
    assert offered("n1", {"SerialConsole": {"SSH": {"ServiceEnabled": True}}}) == Offer(22, None)
    given = {"ServiceEnabled": True, "Port": 2200, "ConsoleEntryCommand": ENTRY}
    assert offered("n1", {"SerialConsole": {"SSH": given}}) == Offer(2200, ENTRY)


async def test_many_at_once(rig: RedfishRig, bmc: Bmc) -> None:
    """Consoles of 30 nodes behind one BMC's ssh: each gets its own bytes."""
    node = rig.site.nodes["n1"]
    shared = {name: node.get(name) for name in ("groups", "mgt", "bmc", "bmcusername", "bmcpassword")}
    names = [f"m{number}" for number in range(30)]
    for name in names:
        rig.site.set("node", name, **shared)
    seen = [Seen(rig.method.console(rig.method.login(rig.site.nodes[name]))) for name in names]
    await asyncio.gather(*(one.console.open(60) for one in seen))
    for name, one in zip(names, seen, strict=True):
        one.console.write(name.encode())
    await until(lambda: all(one.data.endswith(name.upper().encode()) for name, one in zip(names, seen, strict=True)))
    await asyncio.gather(*(one.console.close() for one in seen))
    assert bmc.logins == len(names)
