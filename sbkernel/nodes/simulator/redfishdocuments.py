"""What a simulated Redfish BMC answers at each path: the resources of DSP2046, as a server of no make has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.simulator.machine import Machine

ROOT = "/redfish/v1"
CHANGES = {
    "On": PowerChange.ON,
    "ForceOff": PowerChange.OFF,
    "GracefulShutdown": PowerChange.SOFT_OFF,
    "PowerCycle": PowerChange.CYCLE,
    "ForceRestart": PowerChange.RESET,
    "Nmi": PowerChange.NMI,
}
TARGETS = {
    "None": None,
    "Pxe": BootDevice.NETWORK,
    "Hdd": BootDevice.HARD_DRIVE,
    "Cd": BootDevice.CD,
    "Floppy": BootDevice.FLOPPY,
    "BiosSetup": BootDevice.SETUP,
}
_NAMES = {device: name for name, device in TARGETS.items()}
_MODES = ["UEFI", "Legacy"]
_ENABLED = {"State": "Enabled", "Health": "OK"}


class Described(Protocol):
    """What the documents are made of."""

    machine: Machine
    name: str
    systems: tuple[str, ...]
    resets: tuple[str, ...]
    modes: bool
    beacon: str
    events: list[dict[str, str]]
    sessions: dict[str, str]
    serial_console: dict[str, Any]


def document(bmc: Described, path: str) -> dict[str, Any] | None:
    """Return the resource at a path; None: there is none."""
    system = f"{ROOT}/Systems/{bmc.systems[0]}"
    log = "/redfish/v1/Managers/BMC/LogServices"
    entries = [f"{log}/SEL/Entries/{number}" for number in range(1, len(bmc.events) + 1)]
    found: dict[str, Any] = {
        ROOT: _root(),
        f"{ROOT}/SessionService/Sessions": _members(list(bmc.sessions)),
        f"{ROOT}/Systems": _members([f"{ROOT}/Systems/{one}" for one in bmc.systems]),
        **{f"{ROOT}/Systems/{one}": {"Id": one, "Name": one} for one in bmc.systems[1:]},
        system: _system(bmc, system),
        f"{system}/EthernetInterfaces": _members([f"{system}/EthernetInterfaces/1"]),
        f"{system}/EthernetInterfaces/1": {"Id": "1", "PermanentMACAddress": "52:54:00:00:00:01"},
        f"{ROOT}/Chassis": _members([f"{ROOT}/Chassis/1"]),
        f"{ROOT}/Chassis/1": _chassis(),
        f"{ROOT}/Chassis/1/Thermal": _thermal(bmc.machine.power),
        f"{ROOT}/Chassis/1/Power": _power(bmc.machine.power),
        f"{ROOT}/Managers": _members([f"{ROOT}/Managers/BMC"]),
        f"{ROOT}/Managers/BMC": {"Id": "BMC", "FirmwareVersion": "2.71", "LogServices": {"@odata.id": log}},
        log: _members([f"{log}/SEL"]),
        f"{log}/SEL": {
            "Id": "SEL",
            "Entries": {"@odata.id": f"{log}/SEL/Entries"},
            "Actions": {"#LogService.ClearLog": {"target": f"{log}/SEL/Actions/LogService.ClearLog"}},
        },
        f"{log}/SEL/Entries": {**_members(entries), "Members": bmc.events},
    }
    return found.get(path)


def override(boot: dict[str, Any], *, modes: bool) -> BootOverride | None:
    """Return what a change of Boot asks for. Raises KeyError or ValueError for what is not offered."""
    device = TARGETS[boot.get("BootSourceOverrideTarget", "None")]
    enabled, mode = boot.get("BootSourceOverrideEnabled", "Once"), boot.get("BootSourceOverrideMode", "Legacy")
    if enabled not in ("Disabled", "Once", "Continuous"):
        raise ValueError(enabled)
    if "BootSourceOverrideMode" in boot and (not modes or mode not in _MODES):
        raise ValueError("BootSourceOverrideMode")
    if device is None or enabled == "Disabled":
        return None
    return BootOverride(device, enabled == "Continuous", mode == "UEFI")


def _root() -> dict[str, Any]:
    return {
        "RedfishVersion": "1.18.0",
        **{name: {"@odata.id": f"{ROOT}/{name}"} for name in ("Systems", "Chassis", "Managers", "SessionService")},
        "Links": {"Sessions": {"@odata.id": f"{ROOT}/SessionService/Sessions"}},
    }


def _system(bmc: Described, path: str) -> dict[str, Any]:
    return {
        "Id": bmc.systems[0],
        "Name": bmc.name,
        "Manufacturer": "sbkernel",
        "Model": "Simulated",
        "SerialNumber": f"S-{bmc.name}",
        "UUID": "a1234567-89ab-cdef-a123-456789abcdef",
        "BiosVersion": "1.0.1",
        "ProcessorSummary": {"Count": 2, "Model": "Simulated CPU"},
        "MemorySummary": {"TotalSystemMemoryGiB": 64},
        "PowerState": "On" if bmc.machine.power else "Off",
        "IndicatorLED": bmc.beacon,
        "Status": _ENABLED,
        "Boot": _boot(bmc),
        "EthernetInterfaces": {"@odata.id": f"{path}/EthernetInterfaces"},
        "SerialConsole": bmc.serial_console,
        "Links": {
            "Chassis": [{"@odata.id": f"{ROOT}/Chassis/1"}],
            "ManagedBy": [{"@odata.id": f"{ROOT}/Managers/BMC"}],
        },
        "Actions": {
            "#ComputerSystem.Reset": {
                "target": f"{path}/Actions/ComputerSystem.Reset",
                "ResetType@Redfish.AllowableValues": list(bmc.resets),
            }
        },
    }


def _boot(bmc: Described) -> dict[str, Any]:
    boot = bmc.machine.boot
    enabled = "Disabled" if boot is None else "Continuous" if boot.persistent else "Once"
    shown: dict[str, Any] = {
        "BootSourceOverrideEnabled": enabled,
        "BootSourceOverrideTarget": _NAMES[boot.device if boot else None],
        "BootSourceOverrideTarget@Redfish.AllowableValues": list(TARGETS),
    }
    if bmc.modes:
        shown["BootSourceOverrideMode"] = "UEFI" if boot and boot.uefi else "Legacy"
        shown["BootSourceOverrideMode@Redfish.AllowableValues"] = _MODES
    return shown


def _chassis() -> dict[str, Any]:
    path = f"{ROOT}/Chassis/1"
    return {
        "Id": "1",
        "AssetTag": "rack 7, unit 3",
        "Thermal": {"@odata.id": f"{path}/Thermal"},
        "Power": {"@odata.id": f"{path}/Power"},
    }


def _thermal(powered: bool) -> dict[str, Any]:
    return {
        "Temperatures": [
            {"Name": "Ambient Temp", "ReadingCelsius": 24, "Status": _ENABLED},
            {"Name": "CPU 1 Temp", "ReadingCelsius": 48.5 if powered else None, "Status": {"State": "Enabled"}},
            {"Name": "CPU 2 Temp", "Status": {"State": "Absent"}},
        ],
        "Fans": [{"Name": "Fan 1", "Reading": 2320 if powered else 0, "ReadingUnits": "RPM", "Status": _ENABLED}],
    }


def _power(powered: bool) -> dict[str, Any]:
    return {
        "PowerControl": [{"Name": "System Power", "PowerConsumedWatts": 182 if powered else 9}],
        "Voltages": [{"Name": "P3V3", "ReadingVolts": 3.33, "Status": {"State": "Enabled", "Health": "Warning"}}],
    }


def _members(paths: Sequence[str]) -> dict[str, Any]:
    return {"Members": [{"@odata.id": path} for path in paths], "Members@odata.count": len(paths)}
