"""A machine that only exists in words: power, a serial port, and a boot that runs while it has power."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from sbkernel.nodes.power import BootOverride, PowerChange

_CYCLE_S = 3.0
_SHUTDOWN_S = 8.0
_ECHOED = 256


class PracticeMachine:
    """One machine (a simulator.Machine). `run` is its life from power-on; it is cancelled when power goes."""

    def __init__(self, name: str, run: Callable[[PracticeMachine], Awaitable[None]], speed: float = 1.0) -> None:
        self.name = name
        self.speed = speed
        self.boot: BootOverride | None = None
        self.on_serial: Callable[[bytes], None] = lambda _data: None
        self.power = False
        self.prompt = b""
        """What it says when somebody presses return; b"": nothing listens."""
        self.boots = 0
        self.disk: set[str] = set()
        """What lies on its disk: layouts that were made, and packed roots by their sha256."""
        self._run = run
        self._life: asyncio.Task[None] | None = None
        self._turn: asyncio.TimerHandle | None = None

    def control(self, change: PowerChange) -> None:
        """Act on the power button."""
        if change == PowerChange.ON:
            self._on()
        elif change == PowerChange.OFF:
            self._off()
        elif change == PowerChange.RESET and self.power:
            self._off()
            self._on()
        elif change == PowerChange.CYCLE and self.power:
            self._off()
            self._later(_CYCLE_S, self._on)
        elif change == PowerChange.SOFT_OFF and self.prompt:
            self.say("systemd-shutdown[1]: Powering off.")
            self._later(_SHUTDOWN_S, self._off)
        elif change == PowerChange.NMI and self.power:
            self.end_with("Kernel panic - not syncing: NMI: Not continuing")

    def serial_input(self, data: bytes) -> None:
        """Echo what is typed while something listens."""
        if self.prompt:
            self.on_serial(data[:_ECHOED].replace(b"\r", b"\r\n" + self.prompt))

    def say(self, text: str, end: str = "\r\n") -> None:
        """Write to the serial port."""
        self.on_serial(text.replace("\n", "\r\n").encode() + end.encode())

    def end_with(self, text: str) -> None:
        """Say a last word; the machine then stays as it is, with its power on."""
        self.prompt = b""
        if self._life:
            self._life.cancel()
        self.say(text)

    def close(self) -> None:
        """Cut the power."""
        self._off()

    def _on(self) -> None:
        if self.power:
            return
        self._stop_turn()
        self.power, self.boots = True, self.boots + 1
        self._life = asyncio.create_task(self._live(), name=self.name)

    def _off(self) -> None:
        self._stop_turn()
        self.power, self.prompt = False, b""
        if self._life:
            self._life.cancel()
            self._life = None

    async def _live(self) -> None:
        with contextlib.suppress(OSError):
            await self._run(self)

    def _later(self, delay_s: float, call: Callable[[], None]) -> None:
        self._stop_turn()
        self._turn = asyncio.get_running_loop().call_later(delay_s / self.speed, call)

    def _stop_turn(self) -> None:
        if self._turn:
            self._turn.cancel()
            self._turn = None
