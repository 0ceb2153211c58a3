"""A BMC as we talk to it: power, boot device, raw commands; one session, opened when needed, closed when idle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pyghmi.ipmi.private.util import get_ipmi_error

from sbkernel.nodes import chassis
from sbkernel.nodes.chassis import BootFlags, Control
from sbkernel.nodes.failures import RefusedError, login_error, no_answer
from sbkernel.nodes.session import Response, Session
from sbkernel.nodes.transport import Transport

T = TypeVar("T")

DEFAULT_PORT = 623
DEADLINE_S = 6.0
"""How long a command, login included, may take."""
STALE_S = 2.0
"""How long a session that worked before may stay silent until we log in again: the BMC may have rebooted."""
IDLE_S = 30.0
"""BMCs have few sessions: one that nobody uses is closed after this time."""


@dataclass(frozen=True)
class BmcLogin:
    """Where a node's BMC is and how to log in; the password never shows in its representation."""

    node: str
    host: str
    port: int = DEFAULT_PORT
    user: bytes = b""
    password: bytes = field(default=b"", repr=False)

    @property
    def address(self) -> str:
        """The BMC's address for messages."""
        return self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"


class Bmc:
    """The BMC of one node. All users in a process share its one session; commands go one after the other."""

    def __init__(
        self, login: BmcLogin, transport: Transport, *, deadline_s: float = DEADLINE_S, idle_s: float = IDLE_S
    ) -> None:
        self.login = login
        self.deadline_s = deadline_s
        self.idle_s = idle_s
        self._transport = transport
        self._session: Session | None = None
        self._turn = asyncio.Lock()
        self._holders = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._watchers: set[Callable[[], None]] = set()

    def __repr__(self) -> str:
        return f"Bmc({self.login.node!r}, {self.login.address!r})"

    @property
    def connected(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and bool(self._session.logged)

    async def power(self) -> bool:
        """Return whether the node has power."""
        return chassis.powered(await self.command(chassis.NETFN_CHASSIS, chassis.GET_STATUS))

    async def control(self, action: Control) -> None:
        """Switch power, reset, or send an NMI; the BMC acts after it has answered."""
        await self.command(chassis.NETFN_CHASSIS, chassis.CONTROL, bytes((action,)))

    async def boot_flags(self) -> BootFlags:
        """Return what boots next."""
        request = bytes((chassis.BOOT_FLAGS, 0, 0))
        return BootFlags.decode((await self.command(chassis.NETFN_CHASSIS, chassis.GET_BOOT_OPTIONS, request))[2:])

    async def set_boot_flags(self, flags: BootFlags) -> None:
        """Set what boots next; the BMC keeps it for longer than the 60 seconds that are the default."""
        keep = bytes((chassis.VALID_BIT_CLEARING, chassis.KEEP_ON_TIMEOUT))
        request = bytes((chassis.BOOT_FLAGS,)) + flags.encode()
        # A BMC without parameter 3 forgets the flags after 60 s without a power command.
        with contextlib.suppress(RefusedError):
            await self.command(chassis.NETFN_CHASSIS, chassis.SET_BOOT_OPTIONS, keep)
        await self.command(chassis.NETFN_CHASSIS, chassis.SET_BOOT_OPTIONS, request)

    async def command(self, netfn: int, number: int, data: bytes = b"", *, deadline_s: float | None = None) -> bytes:
        """Send one command and return its data; log in first if need be.

        Raises a BmcError: no answer within `deadline_s` (default: the BMC's), a refused login, or RefusedError
        with the completion code.
        """
        async with self._my_turn(deadline_s or self.deadline_s):
            response = await self._exchange(netfn, number, data)
        error = get_ipmi_error(response)
        if error:
            raise RefusedError(self.login.node, str(error), response.get("code"))
        return bytes(response["data"])

    @contextlib.asynccontextmanager
    async def held(self, on_lost: Callable[[], None]) -> AsyncIterator[Session]:
        """Keep a session open, e.g. for a console; `on_lost` is called when it ends under its holder."""
        async with self._my_turn(self.deadline_s):
            session = await self._logged_in()
            self._holders += 1
            self._watchers.add(on_lost)
        try:
            yield session
        finally:
            self._watchers.discard(on_lost)
            self._holders -= 1
            self._idle()

    def lose(self) -> None:
        """Give the session up without a word; the next command logs in again."""
        self._drop()

    def close(self) -> None:
        """Log out."""
        self._busy()
        if self._session is not None:
            self._session.logout()
        self._drop()

    @contextlib.asynccontextmanager
    async def _my_turn(self, deadline_s: float) -> AsyncIterator[None]:
        """Wait for our turn and hold it; all within the deadline, else NoAnswerError."""
        try:
            async with asyncio.timeout(deadline_s), self._turn:
                self._busy()
                try:
                    yield
                except asyncio.CancelledError:
                    # Whoever comes next must not get the answer to a command that was given up.
                    self._drop()
                    raise
                finally:
                    self._idle()
        except TimeoutError:
            raise no_answer(self.login.node, self.login.address) from None

    async def _exchange(self, netfn: int, number: int, data: bytes) -> Response:
        """Send a command; when a session that was open stays silent, log in again and repeat it once."""
        warm = self.connected
        session = await self._logged_in()
        if not warm:
            return await self._ask(session, netfn, number, data)
        try:
            async with asyncio.timeout(STALE_S):
                return await self._ask(session, netfn, number, data)
        except TimeoutError:
            self._drop()
            return await self._ask(await self._logged_in(), netfn, number, data)

    async def _ask(self, session: Session, netfn: int, number: int, data: bytes) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        session.command(netfn, number, data, _settle(answer))
        return await answer

    async def _logged_in(self) -> Session:
        if self._session is not None and self._session.logged:
            return self._session
        self._drop()
        try:
            line = await self._transport.line(self.login.host, self.login.port)
        except OSError as error:
            raise RefusedError(self.login.node, f"cannot resolve BMC {self.login.host}: {error.strerror}") from None
        done: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._session = Session(line, self.login.user, self.login.password, _settle(done))
        reason = await done
        if reason is not None:
            self._drop()
            raise login_error(self.login.node, self.login.address, reason)
        return self._session

    def _drop(self) -> None:
        if self._session is None:
            return
        self._session.abandon()
        self._session = None
        for lost in list(self._watchers):
            lost()

    def _busy(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _idle(self) -> None:
        self._busy()
        if not self._holders and self._session is not None:
            self._idle_timer = asyncio.get_running_loop().call_later(self.idle_s, self.close)


def _settle(future: asyncio.Future[T]) -> Callable[[T], None]:
    """Return a function that gives the future its result; nobody may wait for it any more."""

    def settle(result: T) -> None:
        if not future.done():
            future.set_result(result)

    return settle
