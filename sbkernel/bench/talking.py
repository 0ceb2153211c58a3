"""The process of BMCs whose machines write a numbered line each second to their serial ports.

    python -m sbkernel.bench.talking SECONDS < LINES

Each line of standard input is name, host, port, user and password of one BMC; when it ends they listen. Then they talk
from the first SIGUSR1 on, for so many seconds, and are silent until SIGTERM comes.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterable

from sbkernel.nodes.simulator import PretendMachine, SimulatedBmc, serve

LINE = 80


def line(name: str, number: int) -> bytes:
    """Return a line as such a machine writes it: as long as a console is wide."""
    return f"{name} {number:06d} ".ljust(LINE - 2, ".").encode() + b"\r\n"


async def _talk(machines: dict[str, PretendMachine], seconds: int) -> None:
    """Let each machine write once a second, spread over the second, as those of a cluster are."""
    loop = asyncio.get_running_loop()
    began, gap_s = loop.time(), 1 / len(machines)
    for number in range(seconds):
        for place, (name, machine) in enumerate(machines.items()):
            machine.on_serial(line(name, number))
            if place % 10 == 0:
                await asyncio.sleep(began + number + place * gap_s - loop.time())


async def _main(seconds: int, lines: Iterable[str]) -> None:
    loop, begin, end = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, begin.set)
    loop.add_signal_handler(signal.SIGTERM, end.set)
    machines = {}
    for name, host, port, user, password in map(str.split, lines):
        machines[name] = PretendMachine()
        await serve(SimulatedBmc(machines[name], {user.encode(): password.encode()}, name=name), host, int(port))
    print("ready", flush=True)
    await begin.wait()
    await _talk(machines, seconds)
    print("silent", flush=True)
    await end.wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.stdin.read().splitlines()))
