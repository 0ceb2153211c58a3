"""Sensors, inventory, event log and light over IPMI: against ipmi_sim, with ipmitool's word for what it holds."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from pathlib import Path

import pytest
from bmc_rig import Rig
from ipmi_sim import Sim, running

from sbkernel.nodes.failures import NoAnswerError, RefusedError
from sbkernel.nodes.ipmi import reading
from sbkernel.nodes.ipmi.ipmi import Pool
from sbkernel.nodes.ipmi.maintenance import IpmiMaintenance
from sbkernel.nodes.maintenance import Item, Reading
from sbkernel.nodes.simulator import commands

TEMPERATURE, FAN = 1, 4
DEGREES, RPM = 1, 18


def sensor_record(number: int, kind: int, unit: int, name: str, factor: int = 1) -> bytes:
    """Return a full sensor record (43.1) of a threshold sensor whose readings are multiplied by a factor."""
    body = bytes((0x20, 0, number, 7, 1, 0x7F, 0x68, kind, 1)) + bytes.fromhex("957295723f3f") + bytes((0, unit, 0, 0))
    body += bytes((factor, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0, 100, 90, 80, 0, 0, 0, 2, 2, 0, 0, 0, 0xC0 | len(name)))
    return bytes((number, 0, 0x51, 1, len(body) + len(name))) + body + name.encode()


def inventory_record(*fields: str) -> bytes:
    """Return the data of a FRU with a product area (FRU information storage definition, 12)."""
    body = bytes((1, 0, 25)) + b"".join(bytes((0xC0 | len(one),)) + one.encode() for one in fields) + b"\xc1"
    body = body.ljust((len(body) // 8 + 1) * 8 - 1, b"\0")
    body = body[:1] + bytes(((len(body) + 1) // 8,)) + body[2:]
    return bytes((1, 0, 0, 0, 1, 0, 0, 254)) + body + bytes((-sum(body) & 0xFF,))


def hexadecimal(data: bytes) -> str:
    return " ".join(f"0x{byte:02x}" for byte in data)


HARDWARE = (
    "sensor_add 0x20 0 1 0x01 0x01",
    "sensor_set_value 0x20 0 1 48 0",
    f"sensor_set_event_support 0x20 0 1 enable scanning per-state {' '.join(['0' * 15] * 4)}",
    "sensor_add 0x20 0 2 0x04 0x01",
    f"main_sdr_add 0x20 {hexadecimal(sensor_record(1, TEMPERATURE, DEGREES, 'CPU 1 Temp'))}",
    f"main_sdr_add 0x20 {hexadecimal(sensor_record(2, FAN, RPM, 'Fan 1', factor=40))}",
    f"mc_add_fru_data 0x20 0 0x100 data {hexadecimal(inventory_record('ACME', 'Road Runner', 'RR-7', '1', 'S4711'))}",
    "sel_add 0x20 0x02 0x00 0x10 0xaf 0x65 0x20 0x00 0x04 0x01 0x01 0x01 0x59 0x60 0x5a",
)  # fmt: skip


async def ipmitool(sim: Sim, *words: str) -> str:
    argv = ["ipmitool", "-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-p", str(sim.port)]
    done = await asyncio.to_thread(
        subprocess.run, [*argv, "-U", "admin", "-P", "password", *words], capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


async def test_what_a_bmc_knows_is_what_ipmitool_shows(tmp_path: Path, pool: Pool) -> None:
    async with running(tmp_path, *HARDWARE) as sim:
        hardware = IpmiMaintenance(pool.get(sim.login))
        readings = {one.name: one for one in await hardware.readings()}
        assert readings["CPU 1 Temp"] == Reading("temp", "CPU 1 Temp", 48.0, "C", "", "ok")
        assert readings["Fan 1"] == Reading("fanspeed", "Fan 1", None, "RPM", "N/A", "ok")
        assert readings["Power Status"].state == "off"
        assert "48 degrees C" in await ipmitool(sim, "sdr", "list")
        items = await hardware.inventory()
        assert Item("serial", "System Serial Number", "S4711") in items
        assert Item("model", "System Model Number", "RR-7") in items
        assert Item("deviceid", "Manufacturer ID", "4753") in items
        assert "S4711" in await ipmitool(sim, "fru")
        events = await hardware.events()
        assert [(one.source, one.event, one.severity) for one in events] == [
            ("Temperature, CPU 1 Temp", "Upper critical", "critical")
        ]
        await hardware.set_beacon("on")
        await hardware.clear_events()
        assert await hardware.events() == []
        assert "no entries" in await ipmitool(sim, "sel", "list")


async def test_a_bmc_without_records_says_so(rig: Rig, pool: Pool) -> None:
    hardware = IpmiMaintenance(pool.get(rig.login()))
    with pytest.raises(RefusedError, match=r"n1: its BMC has no sensor records \(SDR\)"):
        await hardware.readings()
    items = await hardware.inventory()
    assert {item.kind for item in items} == {"mprom", "deviceid", "guid"}
    with pytest.raises(RefusedError, match="n1: its BMC has no event log"):
        await hardware.events()
    with pytest.raises(RefusedError, match="does not say whether its light is on"):
        await hardware.beacon()
    with pytest.raises(RefusedError, match="cannot tell blinking from on"):
        await hardware.set_beacon("blink")


async def test_records_without_end_end(rig: Rig, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "COMMANDS_MAX", 300)
    info = commands.Command(2, 0, lambda *_: (0, bytes((0x51, 1, 0)) + bytes(11)))
    turn = iter(range(10**6))
    record = commands.Command(2, 0, lambda *_: (0, bytes((next(turn) % 250 + 1, 0)) + sensor_record(1, 1, 1, "x")))
    monkeypatch.setitem(commands.COMMANDS, (0x0A, 0x20), info)
    monkeypatch.setitem(commands.COMMANDS, (0x0A, 0x23), record)
    with pytest.raises(RefusedError, match="does not come to an end"):
        await IpmiMaintenance(pool.get(rig.login())).readings()
    nonsense = commands.Command(2, 0, lambda *_: (0, b"\xff" * 40))
    monkeypatch.setitem(commands.COMMANDS, (0x0A, 0x23), nonsense)
    with pytest.raises(RefusedError):
        await IpmiMaintenance(pool.get(rig.login(node="n2"))).readings()


async def test_no_thread_outlives_a_reading_that_was_given_up(rig: Rig, pool: Pool) -> None:
    bmc = pool.get(rig.login())
    bmc.deadline_s = 0.5
    rig.bmc.faults.dead = True
    began = time.monotonic()
    with pytest.raises(NoAnswerError):
        await reading.read(bmc, lambda api: api.init_sdr())
    given_up = asyncio.create_task(reading.read(bmc, lambda api: api.init_sdr()))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert time.monotonic() - began < 10
    asked = rig.bmc.state.arrived.total()
    assert await reading.read(bmc, lambda _api: threading.current_thread().name.startswith("ipmi-reading"))
    assert rig.bmc.state.arrived.total() == asked


async def test_only_reading_reaches_the_bmc(rig: Rig, pool: Pool) -> None:
    bmc = pool.get(rig.login())
    answer = await reading.read(bmc, lambda api: api.raw_command(netfn=0, command=2, data=(1,)))
    assert answer["code"] == 0xC1 and not rig.machine.controls
