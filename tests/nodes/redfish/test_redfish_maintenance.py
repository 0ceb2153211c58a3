"""Inventory, sensors, event log and light over Redfish."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redfish_rig import RedfishRig, redfish_rig

from sbkernel.nodes import rbeacon as light
from sbkernel.nodes import reventlog, rinv, rvitals
from sbkernel.nodes.failures import LostAnswerError, RefusedError
from sbkernel.nodes.redfish.maintenance import RedfishMaintenance

SYSTEM = "/redfish/v1/Systems/1"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[RedfishRig]:
    async with redfish_rig(tmp_path) as rig:
        yield rig


@pytest.fixture
def hardware(rig: RedfishRig) -> RedfishMaintenance:
    return rig.method.maintenance(rig.method.login(rig.site.nodes["n1"]))


async def test_inventory(hardware: RedfishMaintenance) -> None:
    items = await hardware.inventory()
    assert rinv.lines(rinv.wanted(items, "serial"), "serial") == "System Serial Number: S-1"
    assert rinv.lines(rinv.wanted(items, "mac"), "mac") == "MAC Address 1: 52:54:00:00:00:01"
    assert rinv.lines(rinv.wanted(items, "firm"), "firm") == "BIOS Version: 1.0.1\nBMC Firmware: 2.71"
    assert "Total Memory: 64 GiB" in rinv.lines(rinv.wanted(items, "all"), "all").splitlines()
    assert rinv.lines([], "dimm") == "its BMC tells nothing of dimm"


async def test_sensors_as_xcat_prints_them(rig: RedfishRig, hardware: RedfishMaintenance) -> None:
    rig.machine.power = True
    readings = await hardware.readings()

    def shown(what: str) -> list[str]:
        return rvitals.lines(rvitals.wanted(readings, what), what).splitlines()

    assert shown("temp") == ["Ambient Temp: 24 C (75 F)", "CPU 1 Temp: 48.5 C (119 F)"]
    assert shown("cputemp") == ["CPU 1 Temp: 48.5 C (119 F)"]
    assert shown("voltage") == ["P3V3: 3.33 Volts (warning)"]
    assert shown("fanspeed") == ["Fan 1: 2320 RPM"]
    assert shown("wattage") == ["System Power: 182 Watts"]
    assert shown("power") == ["Power Status: on"]
    assert shown("leds") == ["No active error LEDs detected"]
    assert shown("disktemp") == ["its BMC has no sensors for disktemp"]
    rig.machine.power = False
    assert "CPU 1 Temp: N/A" in rvitals.lines(await hardware.readings(), "all").splitlines()


async def test_sensors_of_the_newer_form(rig: RedfishRig, hardware: RedfishMaintenance) -> None:
    sensors = "/redfish/v1/Chassis/1/Sensors"
    documents = {
        "/redfish/v1/Chassis/1": {"Sensors": {"@odata.id": sensors}},
        sensors: {"Members": [{"@odata.id": f"{sensors}/{name}"} for name in ("a", "b", "c")]},
        f"{sensors}/a": {"Name": "Inlet", "ReadingType": "Temperature", "Reading": 21, "ReadingUnits": "Cel"},
        f"{sensors}/b": {"Name": "Fan", "ReadingType": "Rotational", "Reading": 10**400, "ReadingUnits": "RPM"},
        f"{sensors}/c": {"Name": "Odd\x1b[2J", "ReadingType": 7, "Reading": "hot", "ReadingUnits": None},
    }
    rig.bmc.more |= documents
    readings = await hardware.readings()
    assert [rvitals.text(one) for one in readings if one.name == "Inlet"] == ["21 C (70 F)"]
    assert [rvitals.text(one) for one in readings if one.name == "Fan"] == ["N/A"]
    assert [one.name for one in readings if one.kind == "other"] == ["Odd [2J"]


EVENTS = [
    {"Created": f"2026-11-29T08:0{minute}:00+00:00", "Message": f"event {minute}", "Severity": severity, "Name": "Fan"}
    for minute, severity in ((2, "OK"), (0, "OK"), (1, "Critical"))
]


async def test_event_log(rig: RedfishRig, hardware: RedfishMaintenance) -> None:
    assert reventlog.lines(await hardware.events()) == "no entries in its event log"
    rig.bmc.events += EVENTS
    entries = await hardware.events()
    assert reventlog.lines(reventlog.wanted(entries, 2)).splitlines() == [
        "11/29/2026 08:01:00 Fan: event 1 (critical)",
        "11/29/2026 08:02:00 Fan: event 2",
    ]
    assert [one.event for one in reventlog.wanted(entries, None, newest_first=True)] == [
        "event 2",
        "event 1",
        "event 0",
    ]
    await hardware.clear_events()
    assert rig.bmc.events == []


async def test_light(rig: RedfishRig, hardware: RedfishMaintenance) -> None:
    for action in ("on", "blink", "off"):
        assert await light.rbeacon(hardware, action) == action
        assert await light.rbeacon(hardware, "stat") == action
    client = rig.client()
    client.answer_s = 0.3
    await client.system()
    rig.bmc.redfish_faults.unanswered = frozenset({"PATCH"})
    assert await light.rbeacon(hardware, "on") == "on"
    await client.system()
    rig.bmc.redfish_faults.unheard = frozenset({"PATCH"})
    with pytest.raises(LostAnswerError, match="the light is on"):
        await light.rbeacon(hardware, "off")


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ({"Links": {"Chassis": "x", "ManagedBy": [7, {"@odata.id": 7}]}}, "its BMC has no event log"),
        ({"Links": {"ManagedBy": [{"@odata.id": "https://evil.example/x"}]}}, "points elsewhere"),
    ],
)
async def test_hostile_links(rig: RedfishRig, hardware: RedfishMaintenance, system: dict[str, Any], words: str) -> None:
    rig.bmc.redfish_faults.spoil = lambda path, document: document | system if path == SYSTEM else document
    with pytest.raises(RefusedError, match=words):
        await hardware.events()


async def test_a_collection_that_leads_in_circles_ends(rig: RedfishRig, hardware: RedfishMaintenance) -> None:
    entries = "/redfish/v1/Managers/BMC/LogServices/SEL/Entries"
    circle = {"Members": [{"Message": "again", "Id": "1"}] * 100, "Members@odata.nextLink": entries}
    rig.bmc.redfish_faults.spoil = lambda path, document: circle if path == entries else document
    assert len(await hardware.events()) == 5000
