"""xCAT's rsetboot: which device a node boots next, once or always."""

from __future__ import annotations

from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import ControlError, LostAnswerError
from sbkernel.nodes.power import BootDevice, BootOverride, Power

DEVICES = ("net", "hd", "cd", "floppy", "def", "default", "setup")
BOOT_ACTIONS = (*DEVICES, "stat")
_TEXTS = {
    BootDevice.NETWORK: "Network",
    BootDevice.HARD_DRIVE: "Hard Drive",
    BootDevice.CD: "CD/DVD",
    BootDevice.FLOPPY: "Floppy",
    BootDevice.SETUP: "BIOS Setup",
    BootDevice.DEFAULT: "BIOS default",
}


def check_device(action: str) -> None:
    """Raise DefinitionError for a device that rsetboot does not have."""
    if action not in BOOT_ACTIONS:
        raise DefinitionError(
            f"unsupported command rsetboot {action}", hint=f"rsetboot knows: {' '.join(BOOT_ACTIONS)}"
        )


def override(action: str, *, persistent: bool = False, uefi: bool = False) -> BootOverride | None:
    """Return what a device means for the next boot; None for `def` and `default`."""
    device = BootDevice("default" if action == "def" else action)
    return None if device == BootDevice.DEFAULT else BootOverride(device, persistent, uefi)


def text(boot: BootOverride | None) -> str:
    """Return what xCAT prints for what a node boots next."""
    return _TEXTS[boot.device] if boot else "boot override inactive"


async def rsetboot(power: Power, action: str, *, persistent: bool = False, uefi: bool = False) -> str:
    """Set what one node boots next, unless the action is `stat`; return what is printed: what the node says then.

    Raises DefinitionError for an unknown device, ControlError.
    """
    check_device(action)
    if action != "stat":
        await _set_once(power, override(action, persistent=persistent, uefi=uefi))
    return text(await power.boot())


async def _set_once(power: Power, wanted: BootOverride | None) -> None:
    """Set what a node boots next; when the answer is lost, ask whether it was set."""
    try:
        await power.set_boot(wanted)
    except LostAnswerError as lost:
        try:
            now = await power.boot()
        except ControlError:
            known = "whether it was set is not known"
        else:
            if now == wanted:
                return
            known = f"it is still: {text(now)}"
        raise LostAnswerError(power.node, f"{lost.text}; {known}", hint=lost.hint) from None
