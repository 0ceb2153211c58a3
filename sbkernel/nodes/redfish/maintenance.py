"""Inventory, sensors, event log and light of a node as its Redfish service has them.

Source: DMTF DSP2046: ComputerSystem, Chassis, Thermal, Power, Sensor, Manager, LogService, LogEntry.
"""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.maintenance import ENTRIES_MAX, Item, LogEntry, Reading, plain
from sbkernel.nodes.redfish.answers import Document, child, link, links, number, text, words
from sbkernel.nodes.redfish.bmc import RedfishBmc
from sbkernel.nodes.redfish.sensors import led_readings, power_readings, sensor_reading, thermal_readings

_BEACONS = {"on": "Lit", "blink": "Blinking", "off": "Off"}
_BEACON_WORDS = {value: word for word, value in _BEACONS.items()}


class RedfishMaintenance:
    """The hardware of a node (a Maintenance)."""

    def __init__(self, bmc: RedfishBmc) -> None:
        self._bmc = bmc

    @property
    def node(self) -> str:
        """The name of the node."""
        return self._bmc.login.node

    async def inventory(self) -> list[Item]:
        """Return what the system, its network interfaces, its chassis and its BMC say of themselves."""
        system = (await self._bmc.system()).document
        found = list(_system_items(system))
        for place, one in enumerate(await self._bmc.members(link(system, "EthernetInterfaces")), start=1):
            found += _item("mac", f"MAC Address {place}", text(one, "PermanentMACAddress") or text(one, "MACAddress"))
        for chassis in await self._chassis(system):
            found += _item("asset", "Chassis Asset Tag", text(chassis, "AssetTag"))
        for manager in await self._managers(system):
            found += _item("mprom", "BMC Firmware", text(manager, "FirmwareVersion"))
        return found

    async def readings(self) -> list[Reading]:
        """Return what the sensors of the chassis say, and whether the node has power."""
        system = (await self._bmc.system()).document
        found: list[Reading] = []
        for chassis in await self._chassis(system):
            found += await self._readings_of(chassis)
        return [*found, *led_readings(system)]

    async def events(self) -> list[LogEntry]:
        """Return the event log, oldest first."""
        log = await self._log()
        entries = [_entry(one) for one in await self._bmc.members(link(log, "Entries"), ENTRIES_MAX)]
        return sorted(entries, key=lambda entry: entry.time)

    async def clear_events(self) -> None:
        """Empty the event log."""
        log = await self._log()
        target = text(child(child(log, "Actions"), "#LogService.ClearLog"), "target")
        if not target:
            raise RefusedError(self.node, "its BMC offers no way to clear its event log")
        await self._bmc.change("POST", target, {})

    async def beacon(self) -> str:
        """Return the state of the light."""
        system = (await self._bmc.system()).document
        if isinstance(active := system.get("LocationIndicatorActive"), bool):
            return "on" if active else "off"
        state = text(system, "IndicatorLED")
        if state not in _BEACON_WORDS:
            raise RefusedError(self.node, f"its BMC does not say whether its light is on ({plain(state) or 'unset'})")
        return _BEACON_WORDS[state]

    async def set_beacon(self, state: str) -> None:
        """Switch the light."""
        answer = await self._bmc.system(fresh_s=2.0)
        if "LocationIndicatorActive" in answer.document:
            await self._bmc.change_system({"LocationIndicatorActive": state != "off"}, answer.etag)
        elif "IndicatorLED" in answer.document:
            await self._bmc.change_system({"IndicatorLED": _BEACONS[state]}, answer.etag)
        else:
            raise RefusedError(self.node, "its BMC has no light that can be switched")

    async def _chassis(self, system: Document) -> list[Document]:
        return [(await self._bmc.get(path)).document for path in links(child(system, "Links"), "Chassis")[:20]]

    async def _managers(self, system: Document) -> list[Document]:
        return [(await self._bmc.get(path)).document for path in links(child(system, "Links"), "ManagedBy")[:20]]

    async def _readings_of(self, chassis: Document) -> list[Reading]:
        """Return the readings of a chassis: by Thermal and Power, else by the newer collection of sensors."""
        found: list[Reading] = []
        if path := link(chassis, "Thermal"):
            found += thermal_readings((await self._bmc.get(path)).document)
        if path := link(chassis, "Power"):
            found += power_readings((await self._bmc.get(path)).document)
        if not found and (path := link(chassis, "Sensors")):
            found += [sensor_reading(one) for one in await self._bmc.members(path)]
        return found

    async def _log(self) -> Document:
        """Return the log of the hardware's events: SEL by its name or its kind, else the first, of system or BMC."""
        system = (await self._bmc.system()).document
        found: list[Document] = []
        for owner in (system, *await self._managers(system)):
            found += await self._bmc.members(link(owner, "LogServices"), 20)
        if not found:
            raise RefusedError(self.node, "its BMC has no event log")
        return next((one for one in found if _is_sel(one)), found[0])


def _is_sel(log: Document) -> bool:
    return text(log, "LogEntryType") == "SEL" or text(log, "Id").upper() in ("SEL", "EVENTLOG", "LOG1")


def _system_items(system: Document) -> Iterator[Item]:
    processors, memory = child(system, "ProcessorSummary"), child(system, "MemorySummary")
    yield from _item("model", "System Manufacturer", text(system, "Manufacturer"))
    yield from _item("model", "System Model", text(system, "Model"))
    yield from _item("model", "System Part Number", text(system, "PartNumber") or text(system, "SKU"))
    yield from _item("serial", "System Serial Number", text(system, "SerialNumber"))
    yield from _item("asset", "Asset Tag", text(system, "AssetTag"))
    yield from _item("guid", "UUID/GUID", text(system, "UUID"))
    yield from _item("bios", "BIOS Version", text(system, "BiosVersion"))
    yield from _item("config", "Number of Processors", _number(processors, "Count"))
    yield from _item("config", "Processor Model", text(processors, "Model"))
    gib = _number(memory, "TotalSystemMemoryGiB")
    yield from _item("config", "Total Memory", f"{gib} GiB" if gib else "")


def _item(kind: str, name: str, value: str) -> list[Item]:
    return [Item(kind, name, said)] if (said := plain(value)) else []


def _number(document: Document, key: str) -> str:
    value = number(document, key)
    return "" if value is None else f"{value:g}"


def _entry(entry: Document) -> LogEntry:
    source = plain(text(entry, "SensorType") or text(entry, "Name"), 60)
    said = plain(text(entry, "Message")) or plain(", ".join(words(entry, "MessageArgs"))) or "no text"
    return LogEntry(plain(text(entry, "Created"), 40), source, said, plain(text(entry, "Severity"), 20).lower())
