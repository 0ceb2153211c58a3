"""The row `consoles`: what 1,000 consoles take of a processor while each node writes a line a second."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sbkernel.bench.row import BenchRow, Check, Goal
from sbkernel.bench.service import ticks
from sbkernel.bench.talking import line
from sbkernel.bench.workspace import Workspace
from sbkernel.errors import ServiceError
from sbkernel.jobs.command import module_environment
from sbkernel.jobs.spawn import PIPE, Process, end, spawn
from sbkernel.service.client import Service
from sbkernel.site import Site

COUNT = 1000
TALKED_S = 30
GOAL = Goal(0.30, "30 % of a processor")
_USER = "bench"
_PORT = 16230
_CONNECTS_WITHIN_S = 120.0
_ARRIVES_WITHIN_S = 10.0


def rows(work: Workspace) -> Iterator[BenchRow]:
    """Measure the consoles of many nodes."""
    yield row_of(work, COUNT, TALKED_S)


def row_of(work: Workspace, count: int, seconds: int) -> BenchRow:
    """Measure how much processor time the service takes while so many nodes talk, and whether it kept every byte."""
    password = secrets.token_urlsafe(12)
    with Site.open(work.fresh("consoles")) as site:
        nodes = {f"n{number:04d}": f"127.20.{number >> 8}.{number & 255}" for number in range(1, count + 1)}
        common = {"groups": "all", "mgt": "ipmi", "cons": "ipmi", "bmcusername": _USER, "bmcpassword": password}
        site.change("node", {name: {**common, "bmc": f"{host}:{_PORT}"} for name, host in nodes.items()})
        lines = [f"{name} {host} {_PORT} {_USER} {password}" for name, host in nodes.items()]
        service = Service(site)
        work.say(f"consoles: {count}")
        with _talking(lines, seconds) as (process, said):
            try:
                service.ensure()
                pid = int((service.status() or {})["pid"])
                connected_s = _connected(service, count)
                before, began = ticks(pid), time.monotonic()
                process.send_signal(signal.SIGUSR1)
                _expect(said, "silent")
                spent, took = ticks(pid) - before, time.monotonic() - began
                complete = _complete(site, list(nodes), seconds)
                memory = _memory(pid)
            finally:
                service.stop()
    check = Check("consoles whose log holds every line, in order", ok=complete == count, found=str(complete))
    notes = (f"all were connected after {connected_s:.1f} s; memory of the service: {memory / 1e6:.0f} MB",)
    return BenchRow(
        "consoles", f"processor time of the service, {count} nodes write a line a second",
        "a processor, all of the time", (spent / os.sysconf("SC_CLK_TCK"),), (took,), (check,), GOAL, notes=notes,
    )  # fmt: skip


@contextmanager
def _talking(lines: list[str], seconds: int) -> Iterator[tuple[Process, IO[bytes]]]:
    """Run the BMCs for a block; yield the process, and what it says of itself."""
    argv = [sys.executable, "-m", "sbkernel.bench.talking", str(seconds)]
    process = spawn(argv, env=module_environment(), stdin=PIPE, stdout=PIPE)
    try:
        if process.stdin is None or process.stdout is None:
            raise ServiceError("the BMCs have no pipes")
        process.stdin.write("\n".join(lines).encode())
        process.stdin.close()
        _expect(process.stdout, "ready")
        yield process, process.stdout
    finally:
        end(process)


def _expect(said: IO[bytes], word: str) -> None:
    if said.readline().decode().strip() != word:
        raise ServiceError(f"the simulated BMCs ended before they were {word}")


def _connected(service: Service, count: int) -> float:
    """Wait until all consoles are connected; return after how many seconds."""
    began = time.monotonic()
    while time.monotonic() - began < _CONNECTS_WITHIN_S:
        states = dict((service.status() or {})["consoles"])
        if sum(state == "connected" for state in states.values()) == count:
            return time.monotonic() - began
        time.sleep(0.2)
    raise ServiceError(f"not all of {count} consoles are connected within {_CONNECTS_WITHIN_S:g} s")


def _complete(site: Site, names: list[str], seconds: int) -> int:
    """Return how many logs hold exactly what the node wrote, once that has arrived."""
    wanted = {name: b"".join(line(name, number) for number in range(seconds)) for name in names}
    deadline = time.monotonic() + _ARRIVES_WITHIN_S
    while True:
        whole = sum((site.consoles / f"{name}.log").read_bytes() == text for name, text in wanted.items())
        if whole == len(names) or time.monotonic() > deadline:
            return whole
        time.sleep(0.2)


def _memory(process: int) -> int:
    """Return the bytes that a process has in memory (proc(5), status)."""
    with Path(f"/proc/{process}/status").open() as status:
        fields = dict(one.split(":", 1) for one in status)
    return int(fields["VmRSS"].split()[0]) * 1024
