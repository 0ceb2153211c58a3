"""The serial console of a node over ssh, where its Redfish service offers that: stays connected.

Source: DMTF DSP2046, ComputerSystem 1.13 and later (SerialConsole: HostSerialConsole).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from sbkernel.nodes.failures import ControlError, NoAnswerError, RefusedError, WrongPasswordError
from sbkernel.nodes.keptconsole import KeptConsole
from sbkernel.nodes.maintenance import plain
from sbkernel.nodes.redfish.answers import Document, child, number, text
from sbkernel.nodes.redfish.bmc import RedfishBmc
from sbkernel.nodes.redfish.logins import RedfishLogin

if TYPE_CHECKING:
    import asyncssh

SSH_PORT = 22
CONNECT_S = 20.0
ALIVE_S, ALIVE_COUNT = 10.0, 3
"""A BMC that is silent for so long, so many times, is gone."""
UNSENT_MAX = 1 << 16
"""Bytes that were typed and did not go out yet; what is typed beyond them is lost, as on a serial line."""
_NOTHING_OF_THE_USER: dict[str, Any] = {"config": None, "client_keys": None, "agent_path": None, "gss_host": None}
_TERMINAL = "vt100"
_PIECE = 1 << 16
_OFFERED_HINT = "If its BMC has serial over LAN: sb chdef NODE cons=ipmi"
_NO_ANSWER_HINT = "Is ssh of the BMC reachable from here?"
_HOST_KEY_HINT = (
    "Was the BMC replaced? sb chdef NODE bmchostkey='' forgets the old key.\n"
    "  If not, somebody may be in between."
)  # fmt: skip

Keep = Callable[[str, str], Awaitable[None]]


class Offer(NamedTuple):
    """Where the console is: a port of the BMC, and the command that enters it where that is also its command line."""

    port: int
    command: str | None


def offered(node: str, system: Document) -> Offer:
    """Return what a system says of its console over ssh. Raises RefusedError when it offers none."""
    ssh = child(child(system, "SerialConsole"), "SSH")
    port = number(ssh, "Port") or SSH_PORT
    if ssh.get("ServiceEnabled") is not True or not 0 < port < 1 << 16:
        raise RefusedError(node, "its BMC offers no console over ssh", hint=_OFFERED_HINT)
    command = text(ssh, "ConsoleEntryCommand")
    if ssh.get("SharedWithManagerCLI") is True and not command:
        raise RefusedError(node, "its BMC does not say which command enters its console", hint=_OFFERED_HINT)
    return Offer(int(port), command or None)


class SshConsole(KeptConsole):
    """One node's console over ssh. The key that the BMC shows first is kept; nothing is sent to one with another."""

    def __init__(self, bmc: RedfishBmc, keep: Keep) -> None:
        super().__init__(bmc.login.node)
        self.bmc = bmc
        self.host_key = bmc.login.host_key
        self._keep_key = keep
        self._pinned_at = bmc.login.read_at
        self._process: asyncssh.SSHClientProcess[bytes] | None = None

    def trust(self, login: RedfishLogin) -> None:
        """Take over which key the site knows by now, unless that was read before we wrote one."""
        if login.host_key != self.host_key and (login.host_key or login.read_at > self._pinned_at):
            self.host_key, self._pinned_at = login.host_key, login.read_at

    def write(self, data: bytes) -> None:
        """Type; returns at once. What is typed while there is no connection is lost, as on a serial line."""
        if self._process and self._process.channel.get_write_buffer_size() < UNSENT_MAX:
            self._process.stdin.write(data)

    async def _connected_once(self) -> None:
        offer = offered(self.node, (await self.bmc.system()).document)
        async with self._connected(offer) as process:
            self._process = process
            self._is_up()
            try:
                while data := await process.stdout.read(_PIECE):
                    self.on_bytes(data)
            finally:
                self._process = None
                self._is_down()

    @contextlib.asynccontextmanager
    async def _connected(self, offer: Offer) -> AsyncIterator[asyncssh.SSHClientProcess[bytes]]:
        """Log in and enter the console for a block. Raises a ControlError."""
        import asyncssh  # takes long, and only this wants it

        login, where = self.bmc.login, f"{self.bmc.login.host}:{offer.port}"
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(CONNECT_S):
                    await self._known(offer)
                    connection = await stack.enter_async_context(
                        asyncssh.connect(
                            login.host,
                            offer.port,
                            username=login.user,
                            password=login.password.reveal(),
                            client_factory=_client_of(self.host_key),
                            known_hosts=b"",
                            preferred_auth="keyboard-interactive,password",
                            keepalive_interval=ALIVE_S,
                            keepalive_count_max=ALIVE_COUNT,
                            **_NOTHING_OF_THE_USER,
                        )
                    )
                    process: asyncssh.SSHClientProcess[bytes] = await connection.create_process(
                        offer.command, encoding=None, term_type=_TERMINAL, term_size=(80, 24), stderr=asyncssh.STDOUT
                    )
                yield process
        except (OSError, asyncssh.Error) as error:
            raise self._failure(error, where) from None

    async def _known(self, offer: Offer) -> None:
        """Have the key kept that a BMC shows, if none is known; that is written before a password is sent."""
        import asyncssh

        if not self.host_key:
            shown = await asyncssh.get_server_host_key(self.bmc.login.host, offer.port, config=None)
            if shown is None:
                raise RefusedError(self.node, "its BMC shows no host key")
            self.host_key = shown.get_fingerprint()
            await self._keep_key(self.node, self.host_key)
            self._pinned_at = time.monotonic()

    def _failure(self, error: Exception, where: str) -> ControlError:
        import asyncssh

        if isinstance(error, asyncssh.PermissionDenied):
            return WrongPasswordError(self.node, f"BMC {where} refuses this user or password")
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            said = f"BMC {where} shows another host key than before, not {self.host_key}; nothing was sent"
            return RefusedError(self.node, said, hint=_HOST_KEY_HINT)
        why = plain(str(error)) or type(error).__name__
        if isinstance(error, OSError | asyncssh.ConnectionLost):  # a TimeoutError is an OSError, too
            return NoAnswerError(self.node, f"no answer from BMC {where}: {why}", hint=_NO_ANSWER_HINT)
        return RefusedError(self.node, f"BMC {where}: {why}")


def _client_of(host_key: str) -> Callable[[], asyncssh.SSHClient]:
    """Return what makes a client that knows only this key."""
    import asyncssh

    class Client(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
            return key.get_fingerprint() == host_key

    return Client
