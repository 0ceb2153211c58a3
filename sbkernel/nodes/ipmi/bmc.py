"""A BMC as we talk to it: one session, opened when needed, closed when idle; reads are repeated, changes are not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pyghmi.ipmi.private.util import get_ipmi_error

from sbkernel.nodes.failures import LostAnswerError, RefusedError
from sbkernel.nodes.idle import Deadline, IdleTimer, call_later
from sbkernel.nodes.ipmi.chassis import GET_STATUS, NETFN_CHASSIS
from sbkernel.nodes.ipmi.handshake import Response, Terms
from sbkernel.nodes.ipmi.logins import BmcLogin, login_error, no_answer
from sbkernel.nodes.ipmi.session import Session
from sbkernel.nodes.ipmi.transport import BmcLine, Transport
from sbkernel.nodes.ipmi.turn import Turn

T = TypeVar("T")

DEADLINE_S = 6.0
"""How long a read may take, or the login before a change."""
ANSWER_S = 10.0
"""How long a BMC may take to answer a change, which is sent once: there are slow ones."""
STALE_S = 2.0
"""How long a session that worked before may stay silent until we log in again: the BMC may have rebooted."""
FRESH_S = 1.0
"""A change goes out on a session that answered within this time: on one that the BMC forgot it would be lost."""
IDLE_S = 30.0
"""BMCs have few sessions: one that nobody uses is closed after this time."""
FOR_USERS = {(NETFN_CHASSIS, GET_STATUS)}
"""The commands that need no more privilege than a session begins with (specification, appendix G)."""
AS_USER_S = 1.0
"""How long a BMC may be silent at first until we take it for one that wants the privilege to be asked for."""
NOT_ALLOWED = 0xD4
_REMEDIES: dict[int | None, str] = {
    NOT_ALLOWED: "Its user needs the privilege OPERATOR on the BMC.",
    0xD5: "The BMC does not do this in the node's present state: sb rpower NODE stat",
}


class Bmc:
    """The BMC of one node. All users in a process share its one session; commands go one after the other."""

    def __init__(
        self,
        login: BmcLogin,
        transport: Transport,
        *,
        deadline_s: float = DEADLINE_S,
        answer_s: float = ANSWER_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self.login = login
        self.deadline_s = deadline_s
        self.answer_s = answer_s
        self.idle_s = idle_s
        self._transport = transport
        self._session: Session | None = None
        self._terms = Terms()
        self._turn = Turn()
        self._deadline: Deadline
        """That of whose turn it is."""
        self._waited_s = 0.0
        """How long the next read has waited already, as one that was not answered."""
        self._heard = 0.0
        self._holders = 0
        self._idle_timer = IdleTimer(self.close)
        self._watchers: set[Callable[[], None]] = set()

    def __repr__(self) -> str:
        return f"Bmc({self.login.node!r}, {self.login.address!r})"

    @property
    def connected(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and bool(self._session.logged)

    async def ask(self, netfn: int, number: int, data: bytes = b"", *, deadline_s: float | None = None) -> bytes:
        """Send a command that changes nothing of the node and return its data; log in first if need be.

        It is repeated while the BMC is silent. Raises a ControlError: no answer within `deadline_s` (default: the
        BMC's), a refused login, or RefusedError with the completion code.
        """
        waited_s, self._waited_s = self._waited_s, 0.0
        async with self._my_turn((deadline_s or self.deadline_s) - waited_s):
            response = await self._read(netfn, number, data)
        return self._data(response)

    def ask_now(self, netfn: int, number: int, heard: Callable[[bytes | None], None]) -> bool:
        """Do as ask does, but for what it waits for; say whether a session was open, and nobody else's turn.

        `heard` gets the data, or None when only `ask` can tell: the BMC refuses, or the session has been silent for
        too long. A task for each of thousands of BMCs costs as much as all else that is done for an answer.
        """
        session = self._session
        if session is None or not session.logged or not self._turn.take():
            return False
        self._idle_timer.stop()

        def answered(response: Response) -> None:
            patience.cancel()
            self._heard = session.loop.time()
            self._let_go()
            heard(None if response["code"] else bytes(response["data"]))

        def stale() -> None:
            self._waited_s = STALE_S
            self._drop()
            self._let_go()
            heard(None)

        patience = call_later(STALE_S, stale)
        session.command(netfn, number, b"", answered, repeat=True)
        return True

    async def ask_raw(
        self, netfn: int, number: int, data: bytes = b"", *, lun: int = 0, bridge: Mapping[str, int] | None = None
    ) -> Response:
        """Do as ask does, to another LUN or over a bridge, and return the response whatever its completion code."""
        async with self._my_turn(self.deadline_s):
            return await self._read(netfn, number, data, lun=lun, bridge=bridge)

    async def tell(self, netfn: int, number: int, data: bytes = b"") -> bytes:
        """Send a command that changes the node, in one datagram, once; return its data.

        Raises as ask does when it was not sent or was refused, and LostAnswerError when it was sent and no answer
        came within `answer_s`.
        """
        async with self._my_turn(self.deadline_s) as deadline:
            session = await self._fresh()
            deadline.stand_still()
            try:
                async with asyncio.timeout(self.answer_s):
                    response = await self._say(session, netfn, number, data, repeat=False)
            except TimeoutError:
                # The session stays: a node that was reset without a word to us needs its console now.
                session.give_up()
                raise LostAnswerError(self.login.node, f"sent, no answer from BMC {self.login.address}") from None
        return self._data(response)

    @contextlib.asynccontextmanager
    async def held(self, on_lost: Callable[[], None]) -> AsyncIterator[Session]:
        """Keep a session open, e.g. for a console; `on_lost` is called when it ends under its holder."""
        async with self._my_turn(self.deadline_s):
            session = await self._privileged()
            self._holders += 1
            self._watchers.add(on_lost)
        try:
            yield session
        finally:
            self._watchers.discard(on_lost)
            self._holders -= 1
            self._idle()

    def close(self) -> None:
        """Log out."""
        self._idle_timer.stop()
        if self._session is not None:
            self._session.logout()
        self._drop()

    def _my_turn(self, deadline_s: float) -> _Turn:
        """Wait for our turn and hold it; all within the deadline, else NoAnswerError."""
        return _Turn(self, deadline_s)

    async def _begin(self, deadline: Deadline) -> None:
        await self._turn.wait()
        self._deadline = deadline
        self._idle_timer.stop()

    def _end(self, error: BaseException | None) -> None:
        if isinstance(error, asyncio.CancelledError):
            # Whoever comes next must not get the answer to a command that was given up; and what that command took,
            # such as the console, is free again when its session is over.
            if self._session is not None:
                self._session.logout()
            self._drop()
        self._let_go()

    def _let_go(self) -> None:
        self._idle()
        self._turn.give()

    async def _fresh(self) -> Session:
        """Return a session that the BMC knows."""
        if self.connected and asyncio.get_running_loop().time() - self._heard > FRESH_S:
            await self._read(NETFN_CHASSIS, GET_STATUS)
        return await self._privileged()

    async def _read(self, netfn: int, number: int, data: bytes = b"", **where: Any) -> Response:
        """Send a read; when a session that was open stays silent, log in again and repeat it once."""
        if self.connected:
            with contextlib.suppress(_StaleError):
                return await self._read_once(netfn, number, data, STALE_S, **where)
            self._drop()
        return await self._read_once(netfn, number, data, None, **where)

    async def _read_once(self, netfn: int, number: int, data: bytes, within_s: float | None, **where: Any) -> Response:
        """Send a read with the privilege that it needs; _StaleError if an answer takes longer than `within_s`."""
        if (netfn, number) in FOR_USERS:
            session = await self._logged_in()
            if not session.is_privileged:
                response = await self._read_as_user(session, netfn, number, data, within_s)
                if response is not None:
                    return response
        session = await self._privileged(within_s)
        return await self._say(session, netfn, number, data, within_s=within_s, **where)

    async def _read_as_user(
        self, session: Session, netfn: int, number: int, data: bytes, within_s: float | None
    ) -> Response | None:
        """Send a read without the privilege; return None if this BMC wants that to be asked for first.

        The specification has it so that none does. One that does is asked first from now on.
        """
        try:
            response = await self._say(session, netfn, number, data, within_s=within_s or AS_USER_S)
        except _StaleError:
            if within_s is not None:
                raise
            session.give_up()
        else:
            if response["code"] != NOT_ALLOWED:
                return response
        self._terms.privilege_first = True
        return None

    async def _privileged(self, within_s: float | None = None) -> Session:
        """Return a session with the privilege that the BMC grants; raises as _read_once does."""
        session = await self._logged_in()
        if not session.is_privileged:
            reason = await self._answer(session.ask_privilege, within_s)
            if reason is not None:
                raise login_error(self.login, reason)
        return session

    async def _say(
        self,
        session: Session,
        netfn: int,
        number: int,
        data: bytes,
        *,
        repeat: bool = True,
        within_s: float | None = None,
        **where: Any,
    ) -> Response:
        """Send a command and return what comes back; _StaleError if nothing does `within_s`."""

        def send(on_response: Callable[[Response], None]) -> None:
            session.command(netfn, number, data, on_response, repeat=repeat, **where)

        return await self._answer(send, within_s)

    async def _answer(self, send: Callable[[Callable[[T], None]], None], within_s: float | None) -> T:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        send(_settle(answer))
        stale = None if within_s is None else call_later(within_s, lambda: _fail(answer))
        try:
            response = await answer
        finally:
            if stale:
                stale.cancel()
        self._heard = loop.time()
        return response

    def _data(self, response: Response) -> bytes:
        if error := get_ipmi_error(response):
            code = response.get("code")
            raise RefusedError(self.login.node, str(error), code, hint=_REMEDIES.get(code))
        return bytes(response["data"])

    async def _logged_in(self) -> Session:
        if self._session is not None and self._session.logged:
            return self._session
        self._drop()
        try:
            line = await self._transport.line(self.login.host, self.login.port)
        except OSError as error:
            text = f"cannot resolve BMC {self.login.host}: {error.strerror}"
            raise RefusedError(self.login.node, text, hint="Is its name right? sb lsdef NODE -i bmc") from None
        remembered = self._terms
        session, reason = await self._log_in(line, remembered)
        if reason is not None and remembered != Terms():
            # Its firmware may be another one by now.
            session, reason = await self._log_in(line, Terms())
        if reason is not None:
            raise login_error(self.login, reason)
        self._heard = asyncio.get_running_loop().time()
        return session

    async def _log_in(self, line: BmcLine, terms: Terms) -> tuple[Session, str | None]:
        """Log in, on the terms of the last time to begin with; return the session and why it failed, if it did.

        A BMC that has answered keeps a session for us while we wait for a place: should it forget that, we begin again.
        """
        loop = asyncio.get_running_loop()
        there: asyncio.Future[None] = loop.create_future()
        done: asyncio.Future[str | None] = loop.create_future()
        terms = replace(terms)
        login, is_there = self.login, _settle(there)
        session = self._session = Session(
            line, login.user, login.password, _settle(done), login.kg, terms, on_there=lambda: is_there(None)
        )
        await there
        await self._take_place()
        try:
            session.go_on()
            reason = await done
        finally:
            self._transport.logins.release()
        if reason is None:
            self._terms = terms
        else:
            self._drop()
        return session, reason

    async def _take_place(self) -> None:
        """Wait for a place among the logins; that is not the time of the BMC, which has answered."""
        places = self._transport.logins
        if places.locked():
            self._deadline.stand_still()
        await places.acquire()
        self._deadline.go_on()

    def _drop(self) -> None:
        if self._session is None:
            return
        self._session.abandon()
        self._session = None
        for lost in list(self._watchers):
            lost()

    def _idle(self) -> None:
        self._idle_timer.stop()
        if not self._holders and self._session is not None:
            self._idle_timer.start(self.idle_s)


class _Turn:
    """A turn with a BMC, as long as the block in which it is entered."""

    __slots__ = ("_bmc", "_deadline", "_limit_s")

    def __init__(self, bmc: Bmc, limit_s: float) -> None:
        self._bmc = bmc
        self._limit_s = limit_s

    async def __aenter__(self) -> Deadline:
        self._deadline = Deadline(self._limit_s)
        try:
            await self._bmc._begin(self._deadline)
        except BaseException as error:
            self._check(error)
            raise
        return self._deadline

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._bmc._end(error)
        self._check(error)

    def _check(self, error: BaseException | None) -> None:
        if self._deadline.end(error):
            raise no_answer(self._bmc.login) from None


class _StaleError(Exception):
    """A session that worked before is silent."""


def _fail(answer: asyncio.Future[T]) -> None:
    if not answer.done():
        answer.set_exception(_StaleError())


def _settle(future: asyncio.Future[T]) -> Callable[[T], None]:
    """Return a function that gives the future its result; nobody may wait for it any more."""

    def settle(result: T) -> None:
        if not future.done():
            future.set_result(result)

    return settle
