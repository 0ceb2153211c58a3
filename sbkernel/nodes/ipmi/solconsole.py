"""The serial console of a node over its BMC (serial over LAN): stays connected, never blocks who types."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable

from sbkernel.nodes.failures import ConsoleTakenError, ControlError, RefusedError
from sbkernel.nodes.ipmi.bmc import Bmc
from sbkernel.nodes.ipmi.session import Session
from sbkernel.nodes.ipmi.sol import DEACTIVATED, SolStream
from sbkernel.nodes.keptconsole import KeptConsole

APPLICATION = 0x06
ACTIVATE, DEACTIVATE, INSTANCE_INFO = 0x48, 0x49, 0x4B
SOL_PAYLOAD = bytes((1, 1))
ENCRYPTED_AND_SIGNED = bytes((0xC0, 0, 0, 0))
ALREADY_ACTIVE = 0x80
INVALID_COMMAND = 0xC1

LIVENESS_S = 10.0
"""How often a silent console is checked: the session only notices a dead BMC when it wants something of it."""
INPUT_RETRY_S = 0.5
INPUT_RETRIES = 10


class SolConsole(KeptConsole):
    """One node's console over IPMI."""

    def __init__(
        self,
        bmc: Bmc,
        on_bytes: Callable[[bytes], None] = lambda _data: None,
        on_event: Callable[[str], None] = lambda _line: None,
        *,
        steal: bool = False,
        liveness_s: float = LIVENESS_S,
    ) -> None:
        super().__init__(bmc.login.node, on_bytes, on_event, steal=steal)
        self.bmc = bmc
        self.liveness_s = liveness_s
        self._stream = SolStream()
        self._session: Session | None = None
        self._broken = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Type; returns at once. What is typed while there is no connection is lost, as on a serial line."""
        if self.connected:
            self._send(self._stream.write(data))

    def send_break(self) -> None:
        """Send a break, e.g. for the kernel's SysRq; returns at once."""
        if self.connected:
            self._send(self._stream.send_break())

    async def _connected_once(self) -> None:
        """Connect and pass bytes until the connection breaks."""
        self._broken.clear()
        async with self.bmc.held(self._broken.set) as session:
            limit = await self._activate(session)
            self._stream, self._session = SolStream(limit), session
            session.sol_handler = self._received
            self._is_up()
            try:
                await self._watch()
            finally:
                self._is_down()
                self._session = None
                session.sol_handler = None
                await self._deactivate(session)

    async def _activate(self, session: Session) -> int:
        """Take the console; return the number of characters that fit into a packet to the BMC."""
        request = SOL_PAYLOAD + ENCRYPTED_AND_SIGNED
        try:
            answer = await self.bmc.ask(APPLICATION, ACTIVATE, request)
        except RefusedError as error:
            if error.code != ALREADY_ACTIVE:
                raise
            owner = await self._owner()
            # Ours already: the answer to the first try was lost.
            if not self.steal and owner != session.sessionid:
                by = f" 0x{owner:08x}" if owner else ""
                raise ConsoleTakenError(self.bmc.login.node, f"another session{by} holds the console") from None
            await self.bmc.ask(APPLICATION, DEACTIVATE, SOL_PAYLOAD + bytes(4))
            answer = await self.bmc.ask(APPLICATION, ACTIVATE, request)
        inbound: int = struct.unpack_from("<H", answer, 4)[0]
        return max(1, min(inbound, 255) - 4)

    async def _owner(self) -> int | None:
        """Return the BMC's number of the session that holds the console; None when it cannot tell."""
        try:
            answer = await self.bmc.ask(APPLICATION, INSTANCE_INFO, SOL_PAYLOAD)
        except RefusedError:
            return None
        owner: int = struct.unpack_from("<I", answer)[0]
        return owner

    async def _watch(self) -> None:
        """Check that we still hold the console until it breaks."""
        while not self._broken.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.liveness_s):
                    await self._broken.wait()
                    return
            owner = await self._owner()
            if owner is not None and self._session is not None and owner != self._session.sessionid:
                return

    async def _deactivate(self, session: Session) -> None:
        """Let go of the console if the session still lives."""
        if session.ended or self._broken.is_set():
            return
        with contextlib.suppress(ControlError):
            await self.bmc.ask(APPLICATION, DEACTIVATE, SOL_PAYLOAD + bytes(4), deadline_s=1.0)

    def _received(self, packet: bytearray) -> None:
        got = self._stream.receive(bytes(packet))
        self._send(got.replies)
        if got.data:
            self.on_bytes(got.data)
        if got.flags & DEACTIVATED:
            self._broken.set()

    def _send(self, packets: list[bytes]) -> None:
        for packet in packets:
            if self._session is not None:
                self._session.send_sol(packet)
            if packet is self._stream.unacknowledged:
                self._again_later(packet, INPUT_RETRIES)

    def _again_later(self, packet: bytes, left: int) -> None:
        asyncio.get_running_loop().call_later(INPUT_RETRY_S, self._retry, self._stream, packet, left)

    def _retry(self, stream: SolStream, packet: bytes, left: int) -> None:
        if self._session is None or stream is not self._stream or stream.unacknowledged is not packet:
            return
        if not left:
            self._broken.set()
            return
        self._session.send_sol(packet)
        self._again_later(packet, left - 1)
