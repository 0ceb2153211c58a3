"""Run by test_qemu.py in a network namespace of its own: a virtual node on a bridge, then kill -9 of its holder."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from waiting import until

from sbkernel.nodes.power import PowerChange
from sbkernel.nodes.virtual.guest import QemuMachine
from sbkernel.nodes.virtual.qemu import VirtualMachine

BRIDGE = "sbtest0"


def taps() -> list[str]:
    """Return the interfaces on the bridge."""
    show = ["ip", "-j", "link", "show", "master", BRIDGE]
    return [link["ifname"] for link in json.loads(subprocess.run(show, capture_output=True, check=True).stdout or "[]")]


async def hold(network: str, run: Path) -> None:
    async def describe() -> VirtualMachine:
        return VirtualMachine("vm1", "52:54:00:00:00:01", memory_mb=64, cpus=1, network=network)

    machine = QemuMachine("vm1", run, describe, lambda line: print(line, flush=True))
    machine.control(PowerChange.ON)
    await asyncio.sleep(30)


def main() -> None:
    run = Path(sys.argv[2])
    if sys.argv[1] != "test":
        asyncio.run(hold(sys.argv[1], run))
        return
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
    holder = subprocess.Popen([sys.executable, __file__, BRIDGE, run], stdout=subprocess.PIPE, text=True)
    until(lambda: len(taps()) == 1)
    said = holder.stdout.readline() if holder.stdout else ""
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    until(lambda: not taps())
    print(said)


if __name__ == "__main__":
    main()
