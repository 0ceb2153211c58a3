"""The thin client of the service: standard library only, so that verbs and notebooks start fast."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from sbkernel import __version__
from sbkernel.errors import ServiceError
from sbkernel.service import launch
from sbkernel.service.endpoint import Endpoint, connect, holder
from sbkernel.service.protocol import LINE_LIMIT, Message, decode, decode_error, encode
from sbkernel.site import Site

_ANSWER_S = 15.0
_ENDING_S = 5.0


class _Lines(Protocol):
    def readline(self, size: int = ..., /) -> bytes: ...


class Service:
    """The service of one site; starts by itself when the first call needs it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.endpoint = Endpoint(site.run)

    def ensure(self, timeout_s: float = 30.0) -> Service:
        """Start the service unless it answers, wait until it does, and return self.

        Raises ServiceError with the end of its log when it does not start (a port is in use, ...).
        """
        if not launch.answers(self.endpoint):
            launch.start(self.site, self.endpoint, timeout_s)
        return self

    def call(self, verb: str, **arguments: Any) -> Iterator[Message]:
        """Run a verb in the service, started if needed, and yield its answers as they come.

        Raises the error that the verb raised, ServiceError when the service is another version or goes away.
        Closing the iterator cancels the verb.
        """
        self.ensure()
        with self._request(verb, arguments) as stream:
            yield from self._answers(stream)

    def status(self) -> Message | None:
        """Return what the service says of itself (pid, since, ports, nodes, consoles), None if it does not run."""
        try:
            with self._request("status", {}, any_version=True) as stream:
                return next(self._answers(stream))
        except ServiceError:
            if launch.gone(self.endpoint, _ENDING_S):
                return None
            raise

    def stop(self, grace_s: float = 15.0) -> bool:
        """End the service and everything it started; return whether it was running. Consoles are logged out."""
        if holder(self.endpoint.lock) is None:
            return False
        with contextlib.suppress(ServiceError, OSError), self._request("stop", {}, any_version=True) as stream:
            list(self._answers(stream))
        launch.end(self.endpoint, grace_s)
        return True

    def console(self, node: str, *, mode: str = "auto", replay: int | Literal["boot"] = 0) -> socket.socket:
        """Open the serial console of a node: a socket that carries its raw bytes both ways.

        `mode`: `auto` (write access for the first, others watch), `force` (take write access over), `spy`.
        `replay`: how many bytes of its log to send first, or `boot`: all since the power came on.
        """
        self.ensure()
        connection = self._connect()
        try:
            # Unbuffered: what follows the answer is the serial line's and must stay in the socket.
            with connection.makefile("rb", buffering=0) as stream:
                self._greet(stream)
                self._send(connection, {"verb": "rcons", "node": node, "mode": mode, "replay": replay})
                answer = self._read(stream)
            if "error" in answer:
                raise decode_error(answer)
        except BaseException:
            connection.close()
            raise
        connection.settimeout(None)
        return connection

    @contextlib.contextmanager
    def _request(self, verb: str, arguments: dict[str, Any], *, any_version: bool = False) -> Iterator[_Lines]:
        with self._connect() as connection, connection.makefile("rb") as stream:
            self._greet(stream, any_version=any_version)
            self._send(connection, {**arguments, "verb": verb})
            connection.settimeout(None)
            yield stream

    def _connect(self) -> socket.socket:
        try:
            return connect(self.endpoint.socket, _ANSWER_S)
        except OSError as error:
            raise ServiceError(f"the service does not answer: {error}", hint=self._log_hint()) from error

    def _greet(self, stream: _Lines, *, any_version: bool = False) -> None:
        greeting = self._read(stream)
        version, site = greeting.get("version"), str(greeting.get("site"))
        if any_version:
            return
        if version != __version__:
            raise ServiceError(
                f"the service is version {version}, this is {__version__}", hint="run: sb service restart"
            )
        if Path(site) != self.site.root.resolve():
            raise ServiceError(f"the service belongs to the site {site}", hint="was the site moved? sb service restart")

    def _answers(self, stream: _Lines) -> Iterator[Message]:
        while not (answer := self._read(stream)).get("done"):
            if "error" in answer:
                raise decode_error(answer)
            yield answer

    def _send(self, connection: socket.socket, message: Message) -> None:
        try:
            connection.sendall(encode(message))
        except ConnectionError as error:
            raise self._went_away() from error

    def _read(self, stream: _Lines) -> Message:
        try:
            line = stream.readline(LINE_LIMIT)
        except TimeoutError as error:
            raise ServiceError(
                f"the service does not answer within {_ANSWER_S:.0f} s", hint=self._log_hint()
            ) from error
        except ConnectionError:
            line = b""
        if not line:
            raise self._went_away()
        return decode(line)

    def _went_away(self) -> ServiceError:
        return ServiceError("the service went away", hint=self._log_hint())

    def _log_hint(self) -> str:
        return f"its log is {launch.log_path(self.site)}"
