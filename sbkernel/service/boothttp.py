"""The boot web server: files for nodes by GET and HEAD, their status posts, and nothing else."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence

from aiohttp import web

from sbkernel.errors import SbkernelError, ServiceError
from sbkernel.netboot.bootfiles import SUFFIXES
from sbkernel.service.posts import BODY_LIMIT, PostError, check_post
from sbkernel.service.progress import BootProgress
from sbkernel.service.served import Fetches, find_served
from sbkernel.site import Site

_log = logging.getLogger(__name__)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BootHttp:
    """Serve boot/ and catalog/ of a site on its HTTP port; ranges and sendfile come from aiohttp.

    `nodes` holds the names of all nodes; `send_files` is called when one asks for the files that are kept for its boot;
    `answers` are made for paths that are no files.
    """

    def __init__(
        self,
        site: Site,
        progress: BootProgress,
        addresses: Sequence[str],
        nodes: Container[str],
        send_files: Callable[[str], None] = lambda _: None,
        answers: Mapping[str, Answer] | None = None,
    ) -> None:
        self._send_files = send_files
        self.port = site.http_port
        self._progress = progress
        self._addresses = addresses
        self._nodes = nodes
        self._answers = answers or {}
        self._tops = {"boot": site.boot, "catalog": site.catalog}
        self._fetches = Fetches()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on every address; raise ServiceError when the port is taken."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_post("/status", self._post)
        for path, answer in self._answers.items():
            app.router.add_get(path, answer)
        app.router.add_get("/{path:.*}", self._get)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await self._runner.setup()
        for address in self._addresses:
            await self._listen(self._runner, address)

    async def stop(self) -> None:
        """Close the port; transfers under way get two seconds to end."""
        if self._runner:
            await self._runner.cleanup()

    async def _listen(self, runner: web.AppRunner, address: str) -> None:
        try:
            await web.TCPSite(runner, address, self.port, backlog=1024).start()
        except OSError as error:
            raise port_error(error, "TCP", address, self.port, "httpport") from error

    async def _get(self, request: web.Request) -> web.StreamResponse:
        file = find_served(self._tops, request.path)
        if file is None:
            # GRUB carries out what comes in place of a script, whatever the status is: let it be a comment.
            raise web.HTTPNotFound(text="# not found\n")
        if request.method == "GET":
            self._note_fetch(request)
        # With a type given, nothing is guessed from the name: an initrd.gz must arrive as it is.
        kind = "text/plain" if file.suffix in SUFFIXES else "application/octet-stream"
        return web.FileResponse(file, headers={"Content-Type": kind})

    def _note_fetch(self, request: web.Request) -> None:
        """Record what a fetch tells; the file is served whether that works or not."""
        hint = request.query.get("node", "")
        try:
            fetch = self._fetches.stage_of(request.path, hint, request.remote or "", self._nodes)
        except SbkernelError as error:
            _log.warning("%s fetched %s; whose boot that is cannot be read: %s", request.remote, request.path, error)
            return
        if fetch:
            self._progress.record(*fetch)

    async def _post(self, request: web.Request) -> web.Response:
        try:
            fields = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
            post = check_post(fields, self._nodes)
        except PostError as error:
            _log.warning("status post from %s refused: %s", request.remote, error.message)
            return web.Response(status=400, text=f"{error}\n")
        except SbkernelError as error:
            _log.error("status post from %s is lost: %s", request.remote, error.message)
            return web.Response(status=503, text="definitions cannot be read\n")
        self._progress.record(post.node, post.stage, post.data)
        if post.stage == "syncfiles":
            self._send_files(post.node)
        return web.Response(text="ok\n")


def port_error(error: OSError, protocol: str, address: str, port: int, attribute: str) -> ServiceError:
    """Return the error for a port that cannot be bound, with what to type."""
    if error.errno == errno.EADDRINUSE:
        return ServiceError(
            f"{protocol} port {port} of {address} is in use by another program",
            hint=f"choose another one: sb chdef -t site {attribute}={port + 1}",
        )
    return ServiceError(f"cannot listen on {protocol} port {port} of {address}: {error.strerror}")
