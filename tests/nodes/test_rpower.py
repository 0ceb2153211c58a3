"""rpower and rsetboot decide what is sent and what is printed; that it is sent is in tests/nodes/power."""

from __future__ import annotations

import pytest

from sbkernel.errors import DefinitionError
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.rpower import POWER_ACTIONS, decide
from sbkernel.nodes.rsetboot import DEVICES, check_device, override, text

# action, running before -> what is sent and printed, as xCAT's ipmi plugin
POWER = [
    ("stat", False, None, "off"),
    ("state", True, None, "on"),
    ("status", True, None, "on"),
    ("on", False, PowerChange.ON, "on"),
    ("on", True, None, "on"),
    ("off", True, PowerChange.OFF, "off"),
    ("off", False, None, "off"),
    ("softoff", True, PowerChange.SOFT_OFF, "softoff"),
    ("softoff", False, None, "off"),
    ("reset", True, PowerChange.RESET, "reset"),
    ("reset", False, None, "off"),
    ("boot", True, PowerChange.RESET, "reset"),
    ("boot", False, PowerChange.ON, "on"),
    ("cycle", True, PowerChange.CYCLE, "cycle"),
    ("cycle", False, PowerChange.ON, "on"),
    ("nmi", True, PowerChange.NMI, "nmi"),
    ("nmi", False, None, "off"),
]


@pytest.mark.parametrize(("action", "running", "change", "printed"), POWER)
def test_power(action: str, running: bool, change: PowerChange | None, printed: str) -> None:
    assert decide(action, running) == (change, printed)
    assert action in POWER_ACTIONS


def test_unknown_words_are_refused() -> None:
    with pytest.raises(DefinitionError, match="unsupported command rpower explode"):
        decide("explode", True)
    with pytest.raises(DefinitionError, match="unsupported command rsetboot moon"):
        check_device("moon")


BOOT = [
    ("net", "Network", BootDevice.NETWORK),
    ("hd", "Hard Drive", BootDevice.HARD_DRIVE),
    ("cd", "CD/DVD", BootDevice.CD),
    ("floppy", "Floppy", BootDevice.FLOPPY),
    ("setup", "BIOS Setup", BootDevice.SETUP),
]


@pytest.mark.parametrize(("action", "printed", "device"), BOOT)
def test_boot_device(action: str, printed: str, device: BootDevice) -> None:
    wanted = override(action, persistent=True, uefi=True)
    assert wanted == BootOverride(device, persistent=True, uefi=True)
    assert text(wanted) == printed


def test_the_firmwares_own_choice() -> None:
    assert [override(device) for device in DEVICES if device.startswith("def")] == [None, None]
    assert text(None) == "boot override inactive"
    assert text(BootOverride(BootDevice.DEFAULT)) == "BIOS default"
