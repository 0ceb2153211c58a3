"""xCAT's rsetboot: which device a node boots next, once or always."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sbkernel.errors import DefinitionError
from sbkernel.nodes.bmc import Bmc
from sbkernel.nodes.chassis import NO_OVERRIDE, BootDevice, BootFlags
from sbkernel.nodes.fanout import Logins, fan_out
from sbkernel.nodes.pool import Pool
from sbkernel.nodes.results import NodeResult

DEVICES = {
    "net": BootDevice.NETWORK,
    "hd": BootDevice.HARD_DRIVE,
    "cd": BootDevice.CD,
    "floppy": BootDevice.FLOPPY,
    "def": BootDevice.DEFAULT,
    "default": BootDevice.DEFAULT,
    "setup": BootDevice.SETUP,
}
TEXTS = {
    BootDevice.NETWORK: "Network",
    BootDevice.HARD_DRIVE: "Hard Drive",
    BootDevice.CD: "CD/DVD",
    BootDevice.FLOPPY: "Floppy",
    BootDevice.SETUP: "BIOS Setup",
    BootDevice.DEFAULT: "BIOS default",
}
ACTIONS = (*DEVICES, "stat")


def wanted(action: str, *, persistent: bool = False, uefi: bool = False) -> BootFlags | None:
    """Return the boot flags that an action sets, None for `stat`. Raises DefinitionError for an unknown one."""
    if action not in ACTIONS:
        raise DefinitionError(f"unsupported command rsetboot {action}", hint=f"rsetboot knows: {' '.join(ACTIONS)}")
    if action == "stat":
        return None
    device = DEVICES[action]
    return NO_OVERRIDE if device == BootDevice.DEFAULT else BootFlags(device, persistent, uefi)


def text(flags: BootFlags) -> str:
    """Return what xCAT prints for boot flags."""
    return TEXTS[flags.device] if flags.valid else "boot override inactive"


async def set_boot(bmc: Bmc, flags: BootFlags | None) -> str:
    """Set the boot flags of one node unless None, read them back and return what to print. Raises BmcError."""
    if flags is not None:
        await bmc.set_boot_flags(flags)
    return text(await bmc.boot_flags())


async def rsetboot(
    logins: Logins, action: str, pool: Pool | None = None, *, persistent: bool = False, uefi: bool = False
) -> AsyncIterator[NodeResult]:
    """Set or show the next boot device of many nodes; one result per node as they come."""
    flags = wanted(action, persistent=persistent, uefi=uefi)
    async for result in fan_out(logins, lambda bmc: set_boot(bmc, flags), pool):
        yield result
