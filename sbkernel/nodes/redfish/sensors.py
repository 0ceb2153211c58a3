"""What the sensors of Redfish say, in its older form (Thermal, Power) and its newer one. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.nodes.maintenance import Reading, plain
from sbkernel.nodes.redfish.answers import Document, child, items, number, text

_KINDS = {
    "Temperature": "temp", "Voltage": "voltage", "Rotational": "fanspeed", "AirFlow": "fanspeed", "Percent": "fanspeed",
    "Power": "wattage", "Current": "current", "EnergykWh": "wattage",
}  # fmt: skip
_UNITS = {"Cel": "C", "V": "Volts", "RPM": "RPM", "W": "Watts", "A": "Amps", "%": "%", "{rev}/min": "RPM"}
_HEALTH = {"OK": "ok", "Warning": "warning", "Critical": "critical"}


def thermal_readings(thermal: Document) -> Iterator[Reading]:
    """Yield temperatures and fans; what is absent is left out."""
    for one in items(thermal, "Temperatures"):
        yield from _reading("temp", one, "ReadingCelsius", "C")
    for one in items(thermal, "Fans"):
        unit = {"RPM": "RPM", "Percent": "%"}.get(text(one, "ReadingUnits"), "")
        yield from _reading("fanspeed", one, "Reading", unit or "RPM")


def power_readings(power: Document) -> Iterator[Reading]:
    """Yield voltages, what the system takes, and its power supplies."""
    for one in items(power, "Voltages"):
        yield from _reading("voltage", one, "ReadingVolts", "Volts")
    for one in items(power, "PowerControl"):
        yield from _reading("wattage", one, "PowerConsumedWatts", "Watts")
    for one in items(power, "PowerSupplies"):
        yield from _reading("wattage", one, "LastPowerOutputWatts", "Watts")


def sensor_reading(sensor: Document) -> Reading:
    """Return what one Sensor says."""
    kind = _KINDS.get(text(sensor, "ReadingType"), "other")
    unit = text(sensor, "ReadingUnits")
    found = list(_reading(kind, sensor, "Reading", _UNITS.get(unit, plain(unit, 20))))
    return found[0] if found else Reading(kind, _name(sensor), state="absent")


def led_readings(system: Document) -> Iterator[Reading]:
    """Yield whether a system has power, and its error light: there is none while its health is good."""
    yield Reading("power", "Power Status", state=plain(text(system, "PowerState"), 20).lower() or "unknown")
    health = text(child(system, "Status"), "HealthRollup") or text(child(system, "Status"), "Health")
    if health in ("Warning", "Critical"):
        yield Reading("leds", "System Health", state="active", health=_HEALTH[health])


def _reading(kind: str, sensor: Document, key: str, unit: str) -> Iterator[Reading]:
    status = child(sensor, "Status")
    if text(status, "State") == "Absent":
        return
    health = _HEALTH.get(text(status, "Health"), "")
    yield Reading(kind, _name(sensor), number(sensor, key), unit, health=health)


def _name(sensor: Document) -> str:
    return plain(text(sensor, "Name") or text(sensor, "FanName") or text(sensor, "MemberId") or text(sensor, "Id"), 60)
