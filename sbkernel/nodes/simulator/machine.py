"""The machine behind a simulated BMC: what power, boot flags and the serial port act on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sbkernel.nodes.power import BootOverride, PowerChange


class Machine(Protocol):
    """What a simulated BMC controls. No method may block."""

    boot: BootOverride | None
    on_serial: Callable[[bytes], None]
    """Called with what the machine writes to its serial port; set by the BMC."""

    @property
    def power(self) -> bool:
        """Whether the machine has power."""
        ...

    def control(self, change: PowerChange) -> None:
        """Act on the power button; the effect may come later."""
        ...

    def serial_input(self, data: bytes) -> None:
        """Take what somebody typed at the console."""
        ...


class PretendMachine:
    """A machine that only remembers: for tests of everything above it."""

    def __init__(self) -> None:
        self.boot: BootOverride | None = None
        self.on_serial: Callable[[bytes], None] = lambda _data: None
        self.power = False
        self.controls: list[PowerChange] = []
        self.typed = b""
        self.echo = False

    def control(self, change: PowerChange) -> None:
        """Remember the change and set the power as a real machine would in the end."""
        self.controls.append(change)
        if change.leaves is not None:
            self.power = change.leaves

    def serial_input(self, data: bytes) -> None:
        """Remember what was typed, and echo it when asked to."""
        self.typed += data
        if self.echo:
            self.on_serial(data)
