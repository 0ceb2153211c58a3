"""The row `service`: what the service takes of a processor while nothing happens, with 50,000 nodes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from sbkernel.bench import manynodes
from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.workspace import Workspace
from sbkernel.service.client import Service
from sbkernel.site import Site

COUNT = 50_000
GOAL = Goal(0.02, "2 % of a processor")
LOOKED_S = 30.0
_SETTLES_WITHIN_S = 180.0
_QUIET_TICKS_A_S = 5


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Measure how much processor time passes in half a minute when everything has been read."""
    with Site.open(work.fresh("idle")) as site:
        # Without a BMC, as nothing may be sent to addresses that are made up.
        nodes = {one.name: {key: one.values[key] for key in ("groups", "ip", "mac")} for one in manynodes.nodes(COUNT)}
        site.change("node", nodes)
        service = Service(site)
        work.say(f"service: {COUNT} nodes")
        try:
            service.ensure()
            process = int((service.status() or {})["pid"])
            began = _settled(process)
            before, looked = ticks(process), time.monotonic()
            time.sleep(LOOKED_S)
            spent, took = ticks(process) - before, time.monotonic() - looked
            known = int((service.status() or {})["nodes"])
        finally:
            service.stop()
    checks = (Check("nodes that it knows", ok=known == COUNT, found=str(known)),)
    note = f"everything was read {began:.0f} s after its start"
    yield BenchRow(
        "service: idle", f"processor time of the service with {COUNT} nodes", "a processor, all of the time",
        (spent / os.sysconf("SC_CLK_TCK"),), (took,), checks, GOAL, notes=(note,),
    )  # fmt: skip


def _settled(process: int) -> float:
    """Wait until the service has read everything; return after how many seconds."""
    began, before = time.monotonic(), -1
    while time.monotonic() - began < _SETTLES_WITHIN_S:
        time.sleep(1)
        now = ticks(process)
        if before >= 0 and now - before < _QUIET_TICKS_A_S:
            break
        before = now
    return time.monotonic() - began


def ticks(process: int) -> int:
    """Return the processor time of a process in clock ticks (proc(5), stat)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
