"""What a ComputerSystem of Redfish says, and what it is asked for: power, resets, what boots. Values in, values out.

Source: DMTF DSP2046, ComputerSystem v1.22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.maintenance import plain
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.redfish.answers import Document, child, text, words

RESETS = {
    PowerChange.ON: ("On", "ForceOn"),
    PowerChange.OFF: ("ForceOff",),
    PowerChange.SOFT_OFF: ("GracefulShutdown",),
    PowerChange.CYCLE: ("PowerCycle",),
    PowerChange.RESET: ("ForceRestart", "PowerCycle"),
    PowerChange.NMI: ("Nmi",),
}
"""The ResetTypes that make a change, the best first."""
_TARGETS = {
    BootDevice.NETWORK: "Pxe",
    BootDevice.HARD_DRIVE: "Hdd",
    BootDevice.CD: "Cd",
    BootDevice.FLOPPY: "Floppy",
    BootDevice.SETUP: "BiosSetup",
}
_DEVICES = {target: device for device, target in _TARGETS.items()} | {"UefiHttp": BootDevice.NETWORK}
_HAS_POWER = {"On": True, "PoweringOn": True, "PoweringOff": True, "Paused": True, "Off": False}
_ALLOWED = "@Redfish.AllowableValues"


def powered(node: str, system: Document) -> bool:
    """Tell whether a system has power. Raises RefusedError when it does not say."""
    state = text(system, "PowerState")
    if state not in _HAS_POWER:
        raise RefusedError(node, f"its BMC does not say whether it has power (PowerState {plain(state) or 'unset'})")
    return _HAS_POWER[state]


def reset_action(system: Document) -> Document:
    """Return the action that resets a system; {} when it has none."""
    return child(child(system, "Actions"), "#ComputerSystem.Reset")


def allowed_resets(action: Document, info: Document) -> list[str]:
    """Return the ResetTypes that a BMC takes, as its action or the ActionInfo of it says; [] when nothing says it."""
    parameters = info.get("Parameters")
    for one in parameters if isinstance(parameters, list) else ():
        if isinstance(one, dict) and one.get("Name") == "ResetType":
            return words(one, "AllowableValues")
    return words(action, f"ResetType{_ALLOWED}")


def reset_type(node: str, change: PowerChange, allowed: Sequence[str]) -> str:
    """Return the ResetType that makes a change. Raises RefusedError when the BMC has none that does."""
    found = [one for one in RESETS[change] if not allowed or one in allowed]
    if not found:
        offers = plain(", ".join(allowed))
        hint = "sb rpower NODE off, then on" if change is PowerChange.CYCLE else None
        raise RefusedError(node, f"its BMC has no {change.value}: it offers {offers}", hint=hint)
    return found[0]


def decode_boot(system: Document) -> BootOverride | None:
    """Return what a system boots next; a target without a name of ours counts as the default."""
    boot = child(system, "Boot")
    enabled, target = text(boot, "BootSourceOverrideEnabled"), text(boot, "BootSourceOverrideTarget")
    if enabled not in ("Once", "Continuous") or target in ("", "None"):
        return None
    device = _DEVICES.get(target, BootDevice.DEFAULT)
    return BootOverride(device, enabled == "Continuous", text(boot, "BootSourceOverrideMode") == "UEFI")


def encode_boot(node: str, override: BootOverride | None, system: Document) -> dict[str, Any]:
    """Return the change that sets what a system boots next. Raises RefusedError for what it does not offer.

    Legacy mode is never asked for: on some machines that changes the firmware's settings for good.
    """
    boot = child(system, "Boot")
    if override is None or override.device is BootDevice.DEFAULT:
        return {"Boot": {"BootSourceOverrideEnabled": "Disabled", "BootSourceOverrideTarget": "None"}}
    enabled, target = "Continuous" if override.persistent else "Once", _TARGETS[override.device]
    wanted = {"BootSourceOverrideEnabled": enabled, "BootSourceOverrideTarget": target}
    if override.uefi and "BootSourceOverrideMode" in boot:
        wanted["BootSourceOverrideMode"] = "UEFI"
    for key, value in wanted.items():
        offered = words(boot, f"{key}{_ALLOWED}")
        if offered and value not in offered:
            raise RefusedError(node, f"its BMC cannot boot {value}: it offers {plain(', '.join(offered))}")
    return {"Boot": wanted}


def choose(node: str, wanted: str, paths: Sequence[str], names: Mapping[str, Sequence[str]]) -> str:
    """Return the path of a node's system: the wanted one, the only one, or the one that is called like the node.

    `names` are those of each. Raises DefinitionError, which lists them, when that is none or several.
    """
    called = wanted or node
    if len(paths) == 1 and not wanted:
        return paths[0]
    found = [path for path in paths if called in names.get(path, ())]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(plain(path.rstrip("/").rpartition("/")[2], 40) for path in paths[:20])
    what = f"its BMC has no system {wanted}" if wanted else f"its BMC has {len(paths)} systems"
    raise DefinitionError(f"{node}: {what}; there are: {ids or 'none'}", hint="sb chdef NODE bmcsystem=ID")
