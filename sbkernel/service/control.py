"""The unix socket of the service: one request a connection, answers as JSON lines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing

from sbkernel.errors import SbkernelError, ServiceError
from sbkernel.jobs.localsocket import listen
from sbkernel.service.connections import Connections
from sbkernel.service.endpoint import Endpoint
from sbkernel.service.protocol import LINE_LIMIT, Message, decode, encode, encode_error

_log = logging.getLogger(__name__)
_REQUEST_S = 30.0
_TOGETHER = 64

Verb = Callable[[Message], AsyncIterator[Message]]
RawVerb = Callable[[Message, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Control:
    """Answer requests. `verbs` yield messages; `raw_verbs` take the connection over."""

    def __init__(
        self, endpoint: Endpoint, greeting: Message, verbs: Mapping[str, Verb], raw_verbs: Mapping[str, RawVerb]
    ) -> None:
        self._endpoint = endpoint
        self._greeting = greeting
        self._verbs = verbs
        self._raw_verbs = raw_verbs
        self._server: asyncio.Server | None = None
        self._connections = Connections(self._converse)

    async def start(self) -> None:
        """Listen on the socket of the site."""
        listener = listen(self._endpoint.socket)
        self._server = await asyncio.start_unix_server(self._connections.accept, sock=listener, limit=LINE_LIMIT)

    async def stop(self) -> None:
        """Stop listening, end the requests under way and remove the socket."""
        self._endpoint.socket.unlink(missing_ok=True)
        if self._server:
            self._server.close()
        await self._connections.end()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _send(writer, self._greeting)
        line = await asyncio.wait_for(_read_line(reader), _REQUEST_S)
        if not line:
            return
        try:
            await self._answer(decode(line), reader, writer)
        except SbkernelError as error:
            await _send(writer, encode_error(error))
        except ConnectionError:
            raise
        except Exception as error:
            _log.exception("request failed: %s", line[:200])
            await _send(writer, encode_error(ServiceError(f"the service failed: {type(error).__name__}: {error}")))

    async def _answer(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = str(request.get("verb"))
        if name in self._raw_verbs:
            await self._raw_verbs[name](request, reader, writer)
            return
        if name not in self._verbs:
            raise ServiceError(f"the service knows no verb {name!r}")
        await _while_connected(reader, _stream(self._verbs[name](request), writer))


async def _stream(answers: AsyncIterator[Message], writer: asyncio.StreamWriter) -> None:
    lines = _Lines(writer)
    try:
        async with aclosing(answers) as messages:  # type: ignore[type-var]
            async for message in messages:
                await lines.send(message)
    finally:
        lines.flush()
    await _send(writer, {"done": True})


class _Lines:
    """Messages on their way to a client: those that come at once leave at once, as every write wakes him up."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    async def send(self, message: Message) -> None:
        """Send a message, at the latest before anything else is waited for."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(encode(message))
        if len(self._waiting) >= _TOGETHER:
            self.flush()
            await self._writer.drain()

    def flush(self) -> None:
        """Hand over what waits."""
        if self._waiting:
            self._writer.write(b"".join(self._waiting))
            self._waiting.clear()


async def _while_connected(reader: asyncio.StreamReader, work: Awaitable[None]) -> None:
    """Run work, cancelled when the client goes away (Ctrl-C in a cell or a terminal)."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
        await task
    finally:
        gone.cancel()
        task.cancel()
        # Whoever ends us waits until what was begun on nodes is at its end, and recorded.
        await asyncio.wait({task})


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError as error:
        raise ServiceError("the request is too long") from error


async def _send(writer: asyncio.StreamWriter, message: Message) -> None:
    writer.write(encode(message))
    await writer.drain()
