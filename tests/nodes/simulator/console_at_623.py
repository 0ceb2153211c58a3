"""Run by test_simulator_with_others.py in a network namespace of its own: FreeIPMI's ipmiconsole knows port 623 only.

Prints `ok` at the end: what the machine wrote was shown, what was typed arrived, and leaving freed the console.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from waiting import until_async

from sbkernel.nodes.simulator import PretendMachine, SimulatedBmc, serve


async def main(suite: str, folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    machine = PretendMachine()
    machine.power = machine.echo = True
    bmc = SimulatedBmc(machine, {b"admin": b"s3cret-of-bmc"})
    server = await serve(bmc, "127.0.0.1", 623)
    settings = folder / "freeipmi.conf"
    settings.touch(mode=0o600)
    settings.write_text("username admin\npassword s3cret-of-bmc\n")
    # ipmiconsole wants a terminal, which script(1) gives it.
    process = await asyncio.create_subprocess_exec(
        *("script", "-qfec", f"ipmiconsole -I {suite} -h 127.0.0.1 --config-file={settings}", "/dev/null"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    seen = bytearray()

    async def watch() -> None:
        while process.stdout and (data := await process.stdout.read(4096)):
            seen.extend(data)

    watcher = asyncio.create_task(watch())
    await until_async(lambda: b"SOL established" in seen, unless=watcher.done, seen=seen.decode)
    machine.on_serial(b"login: " + b"x" * 1000)
    await until_async(lambda: seen.count(b"x") >= 1000, seen=seen.decode)
    assert process.stdin
    process.stdin.write(b"root\r")
    await until_async(lambda: machine.typed == b"root\r")
    await until_async(lambda: b"root" in seen, seen=seen.decode)
    process.stdin.write(b"&.")
    await until_async(lambda: bmc.state.console.owner is None)
    await asyncio.wait_for(process.wait(), 60)
    await watcher
    server.close()
    print("ok")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(os.environ["FOLDER"])))
