"""Inventory, sensors, event log and light of a node as its BMC has them over IPMI.

Source: IPMI specification 2.0 rev. 1.1, sections 20.1 (device), 23.2 (LAN), 28.2 and 28.5 (light), 31 (event log).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from pyghmi import exceptions
from pyghmi.ipmi import events, fru

from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.ipmi.bmc import Bmc
from sbkernel.nodes.ipmi.reading import INVALID_COMMAND, read
from sbkernel.nodes.maintenance import ENTRIES_MAX, Item, LogEntry, Reading, plain

APPLICATION, STORAGE, TRANSPORT = 0x06, 0x0A, 0x0C
DEVICE_ID, GUID, LAN_PARAMETERS, IDENTIFY = 0x01, 0x37, 0x02, 0x04
RESERVE_LOG, CLEAR_LOG = 0x42, 0x47
_NO_RECORDS = "its BMC has no sensor records (SDR), so nothing is known of its sensors"
_ABSENT = (0xC0, INVALID_COMMAND, 0xC9, 0xCB, 0xCC, 0xCD, 0xD5, 0xFF)
_KINDS = {"Temperature": "temp", "Voltage": "voltage", "Fan": "fanspeed", "Power Supply": "power"}
_UNITS = {"°C": "C", "degrees C": "C", "V": "Volts", "W": "Watts", "A": "Amps"}
_HEALTH = ("ok", "warning", "critical", "failed")
_FRU = (
    ("model", "System Manufacturer", "Manufacturer"),
    ("model", "System Description", "Product name"),
    ("model", "System Model Number", "Model"),
    ("serial", "System Serial Number", "Serial Number"),
    ("asset", "Asset Tag", "Asset Number"),
    ("serial", "Chassis Serial Number", "Chassis serial number"),
    ("model", "Chassis Part Number", "Chassis part number"),
    ("model", "Board Manufacturer", "Board manufacturer"),
    ("model", "Board Description", "Board product name"),
    ("model", "Board Part Number", "Board model"),
    ("serial", "Board Serial Number", "Board serial number"),
    ("mac", "MAC Address", "MAC Address 1"),
    ("guid", "UUID/GUID", "UUID"),
)
"""What xCAT calls what pyghmi finds in the inventory records of a node."""
_PART = ("Manufacturer", "Product name", "Model", "Board manufacturer", "Board product name", "Serial Number")


class IpmiMaintenance:
    """The hardware of a node (a Maintenance)."""

    def __init__(self, bmc: Bmc) -> None:
        self._bmc = bmc

    @property
    def node(self) -> str:
        """The name of the node."""
        return self._bmc.login.node

    async def inventory(self) -> list[Item]:
        """Return what the records of the system and its parts say, and the BMC of itself."""
        found = await read(self._bmc, _parts)
        device = await self._bmc.ask(APPLICATION, DEVICE_ID)
        return [*found, *_device_items(device), *await self._guid(), *await self._mac()]

    async def readings(self) -> list[Reading]:
        """Return what the sensors say, and whether the node has power. Raises RefusedError when it lists no sensors."""
        status = await self._bmc.ask(chassis.NETFN_CHASSIS, chassis.GET_STATUS)
        found = await read(self._bmc, _readings)
        if found is None:
            raise RefusedError(self.node, _NO_RECORDS)
        power = Reading("power", "Power Status", state="on" if chassis.powered(status) else "off")
        return [power, *found]

    async def events(self) -> list[LogEntry]:
        """Return the event log, oldest first. Raises RefusedError when there is none."""
        found = await read(self._bmc, _events)
        if found is None:
            raise RefusedError(self.node, "its BMC has no event log")
        return found

    async def clear_events(self) -> None:
        """Empty the event log."""
        number = await self._bmc.ask(STORAGE, RESERVE_LOG)
        await self._bmc.tell(STORAGE, CLEAR_LOG, number[:2] + b"CLR\xaa")

    async def beacon(self) -> str:
        """Return the state of the light."""
        status = await self._bmc.ask(chassis.NETFN_CHASSIS, chassis.GET_STATUS)
        if len(status) < 3 or not status[2] & 0x40:
            raise RefusedError(self.node, "its BMC does not say whether its light is on")
        return "on" if status[2] >> 4 & 3 else "off"

    async def set_beacon(self, state: str) -> None:
        """Switch the light: for good, as far as the BMC can do that, else for the longest time there is."""
        if state == "blink":
            raise RefusedError(self.node, "IPMI cannot tell blinking from on", hint="sb rbeacon NODE on")
        try:
            await self._identify(bytes((0, int(state == "on"))))
        except RefusedError:
            await self._identify(bytes((255 * (state == "on"),)))

    async def _identify(self, data: bytes) -> None:
        await self._bmc.tell(chassis.NETFN_CHASSIS, IDENTIFY, data)

    async def _guid(self) -> list[Item]:
        answer = await self._optional(APPLICATION, GUID)
        return [Item("guid", "BMC GUID", str(uuid.UUID(bytes_le=answer)))] if len(answer) == 16 else []

    async def _mac(self) -> list[Item]:
        answer = await self._optional(TRANSPORT, LAN_PARAMETERS, bytes((0x0E, 5, 0, 0)))
        return [Item("mac", "BMC MAC Address", answer[1:7].hex(":"))] if any(answer[1:7]) else []

    async def _optional(self, netfn: int, number: int, data: bytes = b"") -> bytes:
        try:
            return await self._bmc.ask(netfn, number, data)
        except RefusedError:
            return b""


def _parts(commands: Any) -> list[Item]:
    found = [
        Item(kind, name, plain(info[key]))
        for info in (_record(commands, 0),)
        for kind, name, key in _FRU
        if info.get(key)
    ]
    records = _records(commands)
    for record in records.fru.values() if records else ():
        info = _record(commands, record.fru_number, record)
        said = ", ".join(str(info[key]) for key in _PART if info.get(key))
        name = plain(record.fru_name)
        if said and record.fru_number:
            found.append(Item("dimm" if "dimm" in name.lower() else "fru", name, plain(said)))
    return found


def _readings(commands: Any) -> list[Reading] | None:
    records = _records(commands)
    if records is None:
        return None
    found = []
    for number in records.get_sensor_numbers():
        sensor = records.sensors[number]
        answer = commands.raw_command(netfn=4, command=0x2D, rslun=sensor.sensor_lun, data=(sensor.sensor_number,))
        if not answer["code"] and len(answer["data"]) >= 2:
            found.append(_reading(sensor.decode_sensor_reading(commands, answer["data"])))
    return found


def _reading(one: Any) -> Reading:
    """Return what pyghmi makes of a sensor; a state without a number is its text, and what is not there has neither."""
    kind = "wattage" if one.units == "W" else _KINDS.get(one.type, "leds" if "LED" in one.name.upper() else "other")
    health = _HEALTH[min(int(one.health).bit_length(), 3)]
    value = None if one.unavailable or one.value is None else float(one.value)
    state = "N/A" if one.unavailable else ", ".join(map(str, one.states))
    return Reading(kind, plain(one.name), value, _UNITS.get(one.units.strip(), one.units.strip()), plain(state), health)


def _events(commands: Any) -> list[LogEntry] | None:
    handler = events.EventHandler(_records(commands) or _NoRecords(), commands)
    found = _if_there(lambda: handler.fetch_sel(commands))
    return None if found is None else [_entry(one) for one in found[-ENTRIES_MAX:]]


def _entry(one: dict[str, Any]) -> LogEntry:
    source = ", ".join(plain(one[key]) for key in ("component_type", "component") if one.get(key))
    said = " ".join(plain(one[key]) for key in ("event", "event_data") if one.get(key)) or "unknown event"
    severity = _HEALTH[min(int(one.get("severity", 0)).bit_length(), 3)]
    gone = " - deasserted" * bool(one.get("deassertion"))
    return LogEntry(str(one.get("timestamp", "")), source, said + gone, severity)


def _record(commands: Any, number: int, locator: Any = None) -> dict[str, Any]:
    """Return the inventory record of a part; {} when the BMC has none."""
    return _if_there(lambda: fru.FRU(ipmicmd=commands, fruid=number, sdr=locator).info) or {}


def _records(commands: Any) -> Any:
    """Return the sensor records of a BMC; None when it has none."""
    return _if_there(commands.init_sdr)


def _if_there(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except exceptions.IpmiException as error:
        if error.ipmicode in _ABSENT:
            return None
        raise


class _NoRecords:
    sensors: ClassVar[dict[Any, Any]] = {}


def _device_items(device: bytes) -> Iterator[Item]:
    """Read the answer to Get Device ID (20.1)."""
    yield Item("mprom", "BMC Firmware", f"{device[2] & 0x7F}.{device[3]:02x}")
    yield Item("deviceid", "Device ID", str(device[0]))
    if len(device) >= 11:
        maker, product = int.from_bytes(device[6:9], "little") & 0xFFFFF, int.from_bytes(device[9:11], "little")
        yield Item("deviceid", "Manufacturer ID", str(maker))
        yield Item("deviceid", "Product ID", str(product))
