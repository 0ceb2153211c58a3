"""The bytes of IPMI chassis commands: power states, controls and boot flags.

Source: IPMI specification 2.0 rev. 1.1, sections 28.2 (status), 28.3 (control) and 28.12/28.13 (boot options).
Shared by the client and by the simulated BMC; values in, values out.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

NETFN_CHASSIS = 0x00
GET_STATUS = 0x01
CONTROL = 0x02
SET_BOOT_OPTIONS = 0x08
GET_BOOT_OPTIONS = 0x09
BOOT_FLAGS = 5
"""Boot option parameter 5 holds the boot flags."""
VALID_BIT_CLEARING = 3
"""Boot option parameter 3 says when the BMC forgets the boot flags."""
KEEP_ON_TIMEOUT = 8
"""Parameter 3, bit 3: keep the flags although no power command follows within 60 seconds."""


class Control(enum.IntEnum):
    """What Chassis Control asks for."""

    OFF = 0
    ON = 1
    CYCLE = 2
    RESET = 3
    NMI = 4
    SOFT = 5


class BootDevice(enum.IntEnum):
    """The boot device selector of the boot flags."""

    DEFAULT = 0
    NETWORK = 1
    HARD_DRIVE = 2
    CD = 5
    SETUP = 6
    FLOPPY = 15


@dataclass(frozen=True)
class BootFlags:
    """Which device boots next: once, or at every boot when `persistent`."""

    device: BootDevice = BootDevice.DEFAULT
    persistent: bool = False
    uefi: bool = False
    valid: bool = field(default=True)

    def encode(self) -> bytes:
        """Return the five bytes of boot option parameter 5."""
        first = 0x80 * self.valid | 0x40 * self.persistent | 0x20 * self.uefi
        return bytes((first, self.device << 2, 0, 0, 0))

    @classmethod
    def decode(cls, data: Sequence[int]) -> BootFlags:
        """Read the bytes of boot option parameter 5; a selector without a name counts as the default."""
        selector = data[1] >> 2 & 0x0F
        device = BootDevice(selector) if selector in set(BootDevice) else BootDevice.DEFAULT
        return cls(device, bool(data[0] & 0x40), bool(data[0] & 0x20), bool(data[0] & 0x80))


NO_OVERRIDE = BootFlags(valid=False)


def powered(status: Sequence[int]) -> bool:
    """Tell from the answer to Get Chassis Status whether the node has power."""
    return bool(status[0] & 1)
