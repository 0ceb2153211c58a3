"""A Redfish service as we talk to it: one session, opened when needed, deleted when idle; changes are sent once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from sbkernel.nodes.failures import ControlError, LostAnswerError, NoSlotError, RefusedError, WrongPasswordError
from sbkernel.nodes.idle import IdleTimer
from sbkernel.nodes.redfish import system as systems
from sbkernel.nodes.redfish.answers import (
    Answer,
    BrokenError,
    Document,
    child,
    complaint,
    link,
    links,
    names_error,
    text,
)
from sbkernel.nodes.redfish.logins import RedfishLogin, no_answer

if TYPE_CHECKING:
    from sbkernel.nodes.redfish.exchange import Exchange

ROOT = "/redfish/v1/"
DEADLINE_S = 10.0
"""How long a read may take, or the login before a change: TLS alone takes a slow BMC a second or two."""
ANSWER_S = 30.0
"""How long a BMC may take to answer a change, which is sent once."""
IDLE_S = 30.0
"""BMCs have few sessions: one that nobody uses is deleted after this time."""
FRESH_S = 2.0
"""A change goes out when the BMC answered within this time: on a connection that it has closed it would be lost."""
MEMBERS_MAX = 500
"""Of a longer collection only so many resources are read."""
_PAUSE_S = 0.3
_PAUSE_MAX_S = 3.0
_BUSY = (412, 429, 503)
_NO_SESSIONS = (404, 405, 501)
_LOGIN_HINT = "For all nodes: sb passwd redfish --username USER. For one: sb chdef NODE bmcpassword=file:PATH"


class RedfishBmc:
    """The Redfish service of one node's BMC. All users in a process share its session, one request after the other."""

    def __init__(
        self, login: RedfishLogin, gate: asyncio.Semaphore, keep: Callable[[str, str], Awaitable[None]]
    ) -> None:
        self.login = login
        self.deadline_s = DEADLINE_S
        self.answer_s = ANSWER_S
        self.idle_s = IDLE_S
        self.fingerprint = login.fingerprint
        self._gate = gate
        self._keep = keep
        self._pinned_at = login.read_at
        self._exchange: Exchange | None = None
        self._auth: dict[str, str] = {}
        self._session = ""
        self._root: Document = {}
        self._system_path = ""
        self._system: tuple[float, Answer] | None = None
        self._turn = asyncio.Lock()
        self._idle_timer = IdleTimer(self.end_soon)
        self._ending: asyncio.Task[None] | None = None
        self._trouble = ""
        """Why there is no answer yet."""

    def __repr__(self) -> str:
        return f"RedfishBmc({self.login.node!r}, {self.login.address!r})"

    def trust(self, login: RedfishLogin) -> None:
        """Take over which certificate the site knows by now, unless that was read before we wrote one."""
        if login.fingerprint != self.fingerprint and (login.fingerprint or login.read_at > self._pinned_at):
            self.fingerprint, self._pinned_at = login.fingerprint, login.read_at
            self._drop()

    async def get(self, path: str) -> Answer:
        """Return a resource; log in first if need be. It is asked for again while the BMC is busy or silent.

        Raises a ControlError: no answer within `deadline_s`, a refused login, or RefusedError.
        """
        async with self._my_turn(self.deadline_s):
            return await self._read(path)

    async def members(self, path: str, most: int = MEMBERS_MAX) -> list[Document]:
        """Return the resources of a collection, each read by itself unless the collection holds them whole."""
        found: list[Document] = []
        pages = 0
        while path and len(found) < most and pages < MEMBERS_MAX:
            page = (await self.get(path)).document
            pages += 1
            listed = page.get("Members")
            for one in listed if isinstance(listed, list) else ():
                if not isinstance(one, dict) or len(found) >= most:
                    continue
                whole = len(one) > 1 or not text(one, "@odata.id")
                found.append(one if whole else (await self.get(text(one, "@odata.id"))).document)
            path = text(page, "Members@odata.nextLink")
        return found

    async def system(self, *, fresh_s: float = 0.0) -> Answer:
        """Return the system that is the node; what was read within `fresh_s` will do."""
        async with self._my_turn(self.deadline_s):
            if self._system and asyncio.get_running_loop().time() - self._system[0] < fresh_s:
                return self._system[1]
            self._system_path = self._system_path or await self._find_system()
            answer = await self._read(self._system_path)
            self._system = asyncio.get_running_loop().time(), answer
            return answer

    async def change_system(self, wanted: Mapping[str, Any], etag: str) -> None:
        """Change the system that was read last, unless it is another one by now."""
        await self.change("PATCH", self._system_path, wanted, etag)

    async def change(self, method: str, path: str, body: Mapping[str, Any], etag: str = "") -> None:
        """Send a change, once. Raises as get does when it was not sent or was refused, else LostAnswerError."""
        async with self._my_turn(self.deadline_s) as limit:
            await self._logged_in()
            self._system = None
            limit.reschedule(None)
            try:
                async with asyncio.timeout(self.answer_s):
                    answer = await self._say(method, path, body, {"If-Match": etag} if etag else {})
            except (TimeoutError, BrokenError):
                raise LostAnswerError(self.login.node, f"sent, no answer from BMC {self.login.address}") from None
        self._checked(answer)

    async def end(self) -> None:
        """Delete the session and close the connection."""
        self._idle_timer.stop()
        exchange, self._exchange = self._exchange, None
        session, self._session, auth, self._auth = self._session, "", self._auth, {}
        if exchange is None:
            return
        try:
            if session:
                with contextlib.suppress(ControlError, BrokenError, TimeoutError):
                    async with asyncio.timeout(self.deadline_s):
                        await exchange.ask("DELETE", session, headers=auth)
        finally:
            await exchange.close()

    @contextlib.asynccontextmanager
    async def _my_turn(self, deadline_s: float) -> AsyncIterator[asyncio.Timeout]:
        """Wait for our turn and hold it; all within the deadline, else NoAnswerError."""
        self._trouble = ""
        try:
            # Waiting for others must not look like a silent BMC: it does not count.
            async with self._gate, asyncio.timeout(deadline_s) as limit, self._turn:
                self._idle_timer.stop()
                try:
                    yield limit
                finally:
                    self._idle()
        except TimeoutError:
            raise no_answer(self.login, self._trouble) from None

    async def _read(self, path: str) -> Answer:
        """Ask for a resource until there is an answer, or until the caller's time is over."""
        pause_s = _PAUSE_S
        for tries in range(1, 1000):
            await self._logged_in()
            try:
                answer = await self._say("GET", path)
            except BrokenError as error:
                self._trouble = f"the connection breaks ({error})"
            else:
                if answer.status == 401 and self._session and tries == 1:
                    # The session has ended, e.g. as the BMC was restarted.
                    self._session, self._auth = "", {}
                    continue
                if answer.status not in _BUSY:
                    return self._checked(answer)
                self._trouble = f"it is busy ({complaint(answer)})"
                pause_s = max(pause_s, min(answer.retry_after_s or 0, _PAUSE_MAX_S))
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _PAUSE_MAX_S)
        raise no_answer(self.login, self._trouble)

    async def _say(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        exchange = self._exchange or await self._connected()
        return await exchange.ask(method, path, body, {**self._auth, **(headers or {})})

    async def _connected(self) -> Exchange:
        """Return the connection. The certificate of a BMC that is met for the first time is noted before it is made."""
        if self._exchange is None:
            # aiohttp takes long to import, and many sites have no Redfish.
            from sbkernel.nodes.redfish.exchange import Exchange, certificate_of

            if not self.login.ca_file and not self.fingerprint:
                fingerprint = await certificate_of(self.login)
                await self._keep(self.login.node, fingerprint)
                self.fingerprint, self._pinned_at = fingerprint, asyncio.get_running_loop().time()
            self._exchange = Exchange(self.login, "" if self.login.ca_file else self.fingerprint)
        return self._exchange

    async def _logged_in(self) -> None:
        if self._auth:
            return
        pause_s = _PAUSE_S
        while not self._auth:
            try:
                await self._log_in(await self._connected())
            except BrokenError as error:
                self._trouble = f"the connection breaks ({error})"
            if not self._auth:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _PAUSE_MAX_S)

    async def _log_in(self, exchange: Exchange) -> None:
        """Open a session; a BMC without any, or without a free one, gets user and password with every request."""
        password = self.login.password.reveal()
        self._root = (await exchange.ask("GET", ROOT)).document
        path = link(child(self._root, "Links"), "Sessions")
        answer = Answer(404)
        if path:
            answer = await exchange.ask("POST", path, {"UserName": self.login.user, "Password": password})
        token = answer.headers.get("X-Auth-Token", "")
        if answer.status in (200, 201) and token:
            self._session = answer.headers.get("Location", "") or text(answer.document, "@odata.id")
            self._auth = {"X-Auth-Token": token}
        elif answer.status in _NO_SESSIONS or _no_slot(answer):
            encoded = base64.b64encode(f"{self.login.user}:{password}".encode()).decode()
            self._auth = {"Authorization": f"Basic {encoded}"}
        elif answer.status in _BUSY:
            self._trouble = f"it is busy ({complaint(answer)})"
        else:
            self._checked(answer if answer.status >= 400 else Answer(401))

    def _checked(self, answer: Answer) -> Answer:
        """Return an answer that is none of an error. Raises RefusedError, or what its kind of error is."""
        if answer.status < 300:
            return answer
        node, bmc, said = self.login.node, self.login.address, complaint(answer)
        if answer.status == 401:
            self._auth, self._session = {}, ""
            raise WrongPasswordError(node, f"BMC {bmc} does not know this user and password", hint=_LOGIN_HINT)
        if _no_slot(answer):
            raise NoSlotError(node, f"no free session on BMC {bmc}")
        if answer.status == 412:
            raise RefusedError(node, f"BMC {bmc} was changed by somebody else just now; nothing was set")
        if answer.status in _BUSY:
            raise RefusedError(node, f"BMC {bmc} is busy: {said}", hint="Nothing was changed; try again in a minute.")
        if answer.status == 404:
            self._system_path = ""
        hint = "Its user needs the role Operator on the BMC." if answer.status == 403 else None
        raise RefusedError(node, f"BMC {bmc} refused: {said}", answer.status, hint=hint)

    async def _find_system(self) -> str:
        """Return the path of the node's system. Names are read only where there are several."""
        await self._logged_in()
        collection = (await self._read(link(self._root, "Systems") or f"{ROOT}Systems")).document
        paths = links(collection, "Members")[:MEMBERS_MAX]
        names: dict[str, tuple[str, ...]] = {}
        if len(paths) != 1 or self.login.system:
            names = {path: (path.rstrip("/").rpartition("/")[2],) for path in paths}
            if not any((self.login.system or self.login.node) in known for known in names.values()):
                for path in paths:
                    one = (await self._read(path)).document
                    names[path] += tuple(text(one, key) for key in ("Id", "Name", "HostName"))
        return systems.choose(self.login.node, self.login.system, paths, names)

    def _drop(self) -> None:
        """Close the connection, without a word, and forget what was read on it."""
        exchange, self._exchange = self._exchange, None
        self._auth, self._session, self._system_path, self._system = {}, "", "", None
        if exchange is not None:
            self._ending = asyncio.create_task(exchange.close())

    def _idle(self) -> None:
        self._idle_timer.stop()
        if self._exchange is not None:
            self._idle_timer.start(self.idle_s)

    def end_soon(self) -> None:
        """Delete the session when nobody uses it any more."""
        self._ending = asyncio.create_task(self._end_in_turn())

    async def _end_in_turn(self) -> None:
        async with self._turn:
            await self.end()


async def has_redfish(login: RedfishLogin, timeout_s: float) -> bool | None:
    """Tell whether there is a Redfish service; None when nothing answers. Nothing but that is asked."""
    from sbkernel.nodes.redfish.exchange import Exchange, certificate_of

    exchange = None
    try:
        async with asyncio.timeout(timeout_s):
            exchange = Exchange(login, login.fingerprint or await certificate_of(login))
            return bool(text((await exchange.ask("GET", ROOT)).document, "RedfishVersion"))
    except TimeoutError:
        return None
    except (ControlError, BrokenError):
        return False
    finally:
        if exchange is not None:
            await exchange.close()


def _no_slot(answer: Answer) -> bool:
    return names_error(answer, "SessionLimitExceeded")
