"""xCAT's rvitals: which of a node's sensors a word asks for, and how they are printed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sbkernel.errors import DefinitionError
from sbkernel.nodes.maintenance import Reading

VITALS: dict[str, tuple[str, str]] = {
    "all": ("", ""),
    "temp": ("temp", ""),
    "cputemp": ("temp", r"cpu|proc"),
    "ambtemp": ("temp", r"amb|inlet|intake"),
    "disktemp": ("temp", r"disk|dasd|hdd|drive"),
    "voltage": ("voltage", ""),
    "wattage": ("wattage", ""),
    "fanspeed": ("fanspeed", ""),
    "power": ("power", ""),
    "leds": ("leds", ""),
}
"""The kind of sensors that each word asks for, and what their names hold; empty: any."""
_NO_LEDS = "No active error LEDs detected"


def check_vitals(what: str) -> None:
    """Raise DefinitionError for a word that rvitals does not have."""
    if what not in VITALS:
        raise DefinitionError(f"unsupported command rvitals {what}", hint=f"rvitals knows: {' '.join(VITALS)}")


def wanted(readings: Sequence[Reading], what: str) -> list[Reading]:
    """Return the readings that a word asks for."""
    kind, name = VITALS[what]
    return [
        one for one in readings if kind in ("", one.kind) and (not name or re.search(name, one.name, re.IGNORECASE))
    ]


def lines(readings: Sequence[Reading], what: str) -> str:
    """Return what is printed for a node, one line a sensor."""
    if what == "leds" and not readings:
        return _NO_LEDS
    return "\n".join(f"{one.name}: {text(one)}" for one in readings) or f"its BMC has no sensors for {what}"


def text(reading: Reading) -> str:
    """Return what a sensor says, as xCAT writes it: `24 C (75 F)`, `2320 RPM`, `on`, N/A; and what is wrong."""
    health = f" ({reading.health})" if reading.health not in ("", "ok") else ""
    if reading.value is None:
        return (reading.state or "N/A") + health
    number = f"{reading.value:.2f}".rstrip("0").rstrip(".")
    said = f"{number} {reading.unit}".rstrip()
    if reading.unit == "C":
        said += f" ({reading.value * 9 / 5 + 32:.0f} F)"
    return said + health
