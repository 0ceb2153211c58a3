"""The power of a node, however it is controlled: the protocol, and its words.

    status, status_now, boot    ask; they may be repeated, by who implements them and by who calls them
    change, set_boot            change the node; they are sent once, by everybody

A change whose answer never came raises LostAnswerError: whoever sent it looks before anything is sent again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

READS = frozenset({"status", "boot"})
"""The calls of Power that change nothing: these alone may be repeated."""


class PowerChange(enum.Enum):
    """What can be done to the power of a node, in xCAT's words."""

    ON = "on"
    OFF = "off"
    SOFT_OFF = "softoff"
    """Ask the operating system to shut down (ACPI)."""
    CYCLE = "cycle"
    """Off, a moment without power, on."""
    RESET = "reset"
    NMI = "nmi"
    """A non-maskable interrupt, which makes most kernels write a dump."""

    @property
    def leaves(self) -> bool | None:
        """Whether the node has power when this is done; None where that tells nothing, as it had power before."""
        return {PowerChange.ON: True, PowerChange.OFF: False, PowerChange.SOFT_OFF: False}.get(self)

    @property
    def starts(self) -> bool:
        """Whether the node starts anew by it."""
        return self in (PowerChange.ON, PowerChange.CYCLE, PowerChange.RESET)


class BootDevice(enum.Enum):
    """Where a node can be told to boot from, in xCAT's words; DEFAULT is the order of its firmware."""

    DEFAULT = "default"
    NETWORK = "net"
    HARD_DRIVE = "hd"
    CD = "cd"
    FLOPPY = "floppy"
    SETUP = "setup"


@dataclass(frozen=True)
class BootOverride:
    """What a node boots instead of what its firmware says: once, or at every boot when `persistent`."""

    device: BootDevice
    persistent: bool = False
    uefi: bool = False


class Power(Protocol):
    """The power of one node. Every call raises ControlError; no answer to a change is a LostAnswerError."""

    @property
    def node(self) -> str:
        """The name of the node."""
        ...

    async def status(self) -> bool:
        """Return whether the node has power."""
        ...

    def status_now(self, heard: Callable[[bool | None], None]) -> bool:
        """Ask for the power at once if nothing has to be waited for first, such as a login; say whether it was asked.

        `heard` is called later with whether the node has power, or with None when only `status` can tell.
        """
        ...

    async def change(self, change: PowerChange) -> None:
        """Send one change, once; return when it was accepted: it may take effect a little later."""
        ...

    async def boot(self) -> BootOverride | None:
        """Return what the node boots next instead of its firmware's choice; None: nothing else."""
        ...

    async def set_boot(self, override: BootOverride | None) -> None:
        """Set what the node boots next, once; None puts its firmware's choice back."""
        ...
