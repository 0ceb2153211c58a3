"""The bytes of IPMI chassis commands: power states, controls and boot flags.

Source: IPMI specification 2.0 rev. 1.1, sections 28.2 (status), 28.3 (control) and 28.12/28.13 (boot options).
Shared by the client and by the simulated BMC; values in, values out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange

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

CONTROLS = {
    PowerChange.OFF: 0,
    PowerChange.ON: 1,
    PowerChange.CYCLE: 2,
    PowerChange.RESET: 3,
    PowerChange.NMI: 4,
    PowerChange.SOFT_OFF: 5,
}
"""What Chassis Control asks for."""
CHANGES = {number: change for change, number in CONTROLS.items()}

SELECTORS = {
    BootDevice.DEFAULT: 0,
    BootDevice.NETWORK: 1,
    BootDevice.HARD_DRIVE: 2,
    BootDevice.CD: 5,
    BootDevice.SETUP: 6,
    BootDevice.FLOPPY: 15,
}
"""The boot device selector of the boot flags."""
_DEVICES = {number: device for device, number in SELECTORS.items()}
_VALID, _PERSISTENT, _UEFI = 0x80, 0x40, 0x20


def encode_boot(override: BootOverride | None) -> bytes:
    """Return the five bytes of boot option parameter 5; without an override they are not valid."""
    if override is None:
        return bytes(5)
    first = _VALID | _PERSISTENT * override.persistent | _UEFI * override.uefi
    return bytes((first, SELECTORS[override.device] << 2, 0, 0, 0))


def decode_boot(data: Sequence[int]) -> BootOverride | None:
    """Read the bytes of boot option parameter 5; a selector without a name counts as the default."""
    if not data[0] & _VALID:
        return None
    device = _DEVICES.get(data[1] >> 2 & 0x0F, BootDevice.DEFAULT)
    return BootOverride(device, bool(data[0] & _PERSISTENT), bool(data[0] & _UEFI))


def powered(status: Sequence[int]) -> bool:
    """Tell from the answer to Get Chassis Status whether the node has power."""
    return bool(status[0] & 1)
