"""The verb rcons inside the service: a connection becomes the serial line of a node."""

from __future__ import annotations

import asyncio
from typing import cast

from sbkernel.errors import ServiceError
from sbkernel.service.console.conlog import bytes_since_power, last_bytes
from sbkernel.service.console.consoles import Consoles, NodeConsole
from sbkernel.service.console.hub import MODES, Attachment, Mode, notice
from sbkernel.service.protocol import Message, encode
from sbkernel.site import Site

_REPLAY_LIMIT = 256 * 1024
_BEHIND_LIMIT = 1 << 20


class Rcons:
    """Attach clients to consoles."""

    def __init__(self, site: Site, consoles: Consoles) -> None:
        self._site = site
        self._consoles = consoles

    async def __call__(self, request: Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the request, then pass bytes both ways until the client leaves."""
        mode = str(request.get("mode", "auto"))
        if mode not in MODES:
            raise ServiceError(f"no console mode {mode!r}", hint="one of " + " ".join(MODES))
        console = await self._consoles.get(str(request.get("node")))
        client = Attachment(lambda data: _show(writer, data))
        taken = console.hub.writer is not None
        writer.write(encode({"node": console.node, "state": console.state, "writer": mode == "force" or not taken}))
        self._replay(client, console.node, request.get("replay"))
        console.hub.attach(client, cast(Mode, mode))
        if mode == "auto" and taken:
            client.show(notice("somebody else has the keyboard; you are watching"))
        if mode == "force":
            console.line.steal = True
        try:
            await _pass_input(reader, console, client)
        finally:
            console.hub.detach(client)

    def _replay(self, client: Attachment, node: str, wanted: object) -> None:
        """Show the last bytes of the log: a number of them, or all since the power came on (`boot`)."""
        count = bytes_since_power(self._site.consoles, node) if wanted == "boot" else wanted
        if isinstance(count, int) and count > 0:
            client.show(last_bytes(self._site.consoles / f"{node}.log", min(count, _REPLAY_LIMIT)))


def _show(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send bytes to a client; one that does not read (a stopped terminal) is let go, it must not cost memory."""
    if writer.transport.is_closing():
        return
    if writer.transport.get_write_buffer_size() > _BEHIND_LIMIT:
        writer.transport.abort()
        return
    writer.write(data)


async def _pass_input(reader: asyncio.StreamReader, console: NodeConsole, client: Attachment) -> None:
    while data := await reader.read(4096):
        if console.hub.writer is client:
            console.line.write(data)
