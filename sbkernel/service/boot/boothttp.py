"""The boot web server: files for nodes by GET and HEAD, their status posts, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from sbkernel.errors import SbkernelError
from sbkernel.netboot.bootfiles import SUFFIXES
from sbkernel.service.boot.listening import listen
from sbkernel.service.boot.posts import BODY_LIMIT, UNKNOWN, Post, PostError, check_post
from sbkernel.service.boot.progress import BootProgress
from sbkernel.service.boot.rates import Rates
from sbkernel.service.boot.senders import Senders
from sbkernel.service.boot.sendfile import LARGE, SendingThreads
from sbkernel.service.boot.served import Fetches, Offer, find_served
from sbkernel.service.boot.visitors import Patience, Visitors
from sbkernel.site import Site

_log = logging.getLogger(__name__)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
# At once, and a second. A boot makes a dozen events and one for each postscript; a server may pass on the posts of
# hundreds of nodes.
_OF_A_NODE = (200, 2.0)
_OF_AN_ADDRESS = (5000, 200.0)
_OF_WORDS = (10, 0.1)
_FIRST = 64 << 10


class BootHttp:
    """Serve boot/ and catalog/ of a site on its HTTP port; ranges and sendfile come from aiohttp.

    `nodes` holds the names of all nodes, `senders` knows which addresses are theirs; what is refused is counted.
    `send_files` is called when a node asks for the files that are kept for its boot; `answers` are made for paths that
    are no files. With an `offer` nothing is read of the store, which may be away.
    """

    def __init__(
        self,
        site: Site,
        progress: BootProgress,
        addresses: Sequence[str],
        nodes: Container[str],
        senders: Senders | None = None,
        patience: Patience | None = None,
        *,
        offer: Offer | None = None,
        send_files: Callable[[str], None] = lambda _: None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        self._send_files = send_files
        offer = offer or Offer.of(site)
        self.port = offer.port
        self._progress = progress
        self._addresses = addresses
        self._nodes = nodes
        self._answers = answers or {}
        self._senders = senders or Senders(progress.leases)
        self._tops = offer.tops
        self._fetches = Fetches()
        self._patience = patience or Patience()
        self._visitors = Visitors(self._patience)
        self._threads = SendingThreads()
        self._refused: Counter[str] = Counter()
        self._rate_of_address = Rates(*_OF_AN_ADDRESS)
        self._rate_of_node = Rates(*_OF_A_NODE)
        self._rate_of_words = Rates(*_OF_WORDS)
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self._watching: asyncio.Task[None] | None = None

    async def start(self, listeners: Sequence[socket.socket] = ()) -> None:
        """Serve who comes to sockets that listen; without them, listen. Raises ServiceError when the port is taken."""
        listeners = listeners or listen(self._addresses, self.port)
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post("/status", self._post)
        for path, answer in self._answers.items():
            app.router.add_get(path, answer)
        app.router.add_get("/{path:.*}", self._get)
        # A connection that is not served for as long as keepalive_timeout is closed, a new one as well.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=2.0, keepalive_timeout=self._patience.request_s, lingering_time=2.0
        )
        await self._runner.setup()
        await self._senders.start()
        self._watching = asyncio.create_task(self._visitors.watch())
        door = self._visitors.door(cast(web.Server, self._runner.server))
        for listener in listeners:
            self._servers.append(await asyncio.get_running_loop().create_server(door, sock=listener, backlog=1024))

    async def stop(self) -> None:
        """Close the port; transfers under way get two seconds to end."""
        for server in self._servers:
            server.close()
        if self._watching:
            self._watching.cancel()
        await self._senders.stop()
        if self._runner:
            await self._runner.cleanup()
        self._threads.close()

    def refused(self) -> dict[str, int]:
        """Return how much was refused or given up since the start, by reason."""
        return dict(self._refused + self._visitors.counts)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        file = find_served(self._tops, request.path)
        if file is None:
            # GRUB carries out what comes in place of a script, whatever the status is: let it be a comment.
            raise web.HTTPNotFound(text="# not found\n")
        if request.method == "GET":
            self._note_fetch(request)
        # With a type given, nothing is guessed from the name: an initrd.gz must arrive as it is.
        kind = "text/plain" if file.suffix in SUFFIXES else "application/octet-stream"
        return _File(file, self._visitors, self._threads, kind)

    def _note_fetch(self, request: web.Request) -> None:
        """Record what a fetch tells; the file is served whether that works or not."""
        hint, address = request.query.get("node", ""), request.remote or ""
        try:
            fetch = self._fetches.stage_of(request.path, hint, address, self._nodes)
        except SbkernelError as error:
            _log.warning("%s fetched %s; whose boot that is cannot be read: %s", address, request.path, error)
            return
        if fetch and self._may_speak(fetch[0], address) and self._is_in_time(fetch[0]):
            self._progress.record(*fetch)

    async def _post(self, request: web.Request) -> web.Response:
        address = request.remote or ""
        if not self._rate_of_address.take(address):
            self._refused["too many posts from one address"] += 1
            return _closing(429, "too many posts\n")
        try:
            async with asyncio.timeout(self._patience.request_s):
                given = await request.post()
            fields = {key: value for key, value in given.items() if isinstance(value, str)}
            post = check_post(fields, self._nodes)
        except TimeoutError:
            self._refused["half a post"] += 1
            return _closing(408, "the post did not come to its end\n")
        except PostError as error:
            self._refused["wrong posts"] += 1
            self._warn(address, f"status post from {address} refused: {error.message}")
            return web.Response(status=400, text=f"{error}\n")
        except SbkernelError as error:
            _log.error("status post from %s is lost: %s", address, error.message)
            return web.Response(status=503, text="definitions cannot be read\n")
        return self._take(post, address)

    def _take(self, post: Post, address: str) -> web.Response:
        """Record a post, unless it comes from another node or too often; one from an address unheard of is marked."""
        if not self._may_speak(post.node, address):
            return web.Response(status=403, text=f"{address} is the address of another node\n")
        if not self._is_in_time(post.node):
            return _closing(429, "too many posts\n")
        data = post.data
        if self._senders.standing(post.node, address) == "unknown":
            self._refused["from an unknown address: marked"] += 1
            data = {**data, UNKNOWN: address}
        self._progress.record(post.node, post.stage, data)
        if post.stage == "syncfiles":
            self._send_files(post.node)
        return web.Response(text="ok\n")

    def _may_speak(self, node: str, address: str) -> bool:
        if self._senders.standing(node, address) != "other":
            return True
        self._refused["from the address of another node"] += 1
        self._warn(address, f"{address} is the address of another node: what it said of {node} is refused")
        return False

    def _is_in_time(self, node: str) -> bool:
        if self._rate_of_node.take(node):
            return True
        self._refused["too many of one node"] += 1
        return False

    def _warn(self, address: str, text: str) -> None:
        if self._rate_of_words.take(address):
            _log.warning("%s", text)


class _File(web.FileResponse):
    """A file that is sent, while it is known to whom."""

    def __init__(self, file: Path, visitors: Visitors, threads: SendingThreads, kind: str) -> None:
        super().__init__(file, headers={"Content-Type": kind})
        self._visitors = visitors
        self._threads = threads

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send it."""
        with self._visitors.serving(request.transport):
            return await super().prepare(request)

    async def _sendfile(self, request: web.BaseRequest, fobj: IO[Any], offset: int, count: int) -> AbstractStreamWriter:
        if count < LARGE:
            return await super()._sendfile(request, fobj, offset, count)
        # The event loop sends the head and what follows it; afterwards nothing of this connection is in its buffer.
        writer = await web.StreamResponse.prepare(self, request)
        transport = request.transport
        if writer is None or transport is None:
            raise ConnectionResetError("Connection lost")
        await asyncio.get_running_loop().sendfile(transport, fobj, offset, _FIRST)
        transport.pause_reading()
        try:
            socket = transport.get_extra_info("socket").fileno()
            await self._threads.send(socket, fobj.fileno(), offset + _FIRST, count - _FIRST)
        finally:
            if not transport.is_closing():
                transport.resume_reading()
        await web.StreamResponse.write_eof(self)
        return writer


def _closing(status: int, text: str) -> web.Response:
    """Return a refusal after which the connection ends."""
    response = web.Response(status=status, text=text)
    response.force_close()
    return response
