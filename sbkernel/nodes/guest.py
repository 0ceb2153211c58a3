"""A virtual node's machine: QEMU as the thing that a simulated BMC switches on and off."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from sbkernel.errors import SbkernelError
from sbkernel.jobs.run import PIPE, spawn_async
from sbkernel.nodes import qemu, qmp
from sbkernel.nodes.chassis import NO_OVERRIDE, BootFlags, Control
from sbkernel.nodes.tap import tap_on

CYCLE_S = 1.0
"""How long a power cycle leaves the node without power."""
TYPED_MAX = 65536
"""A guest that does not read its serial port costs at most this much memory."""

Describe = Callable[[], Awaitable[qemu.VirtualMachine]]


class QemuMachine:
    """A machine whose power is the life of a QEMU process, which dies with us whatever kills us.

    `describe` is asked at every power-on, so that changed definitions take effect then. `log` gets a line about
    everything that an administrator would want to know.
    """

    def __init__(self, name: str, run: Path, describe: Describe, log: Callable[[str], None]) -> None:
        self.name = name
        self.boot: BootFlags = NO_OVERRIDE
        self.on_serial: Callable[[bytes], None] = lambda _data: None
        self._run = run
        self._describe = describe
        self._log = log
        self._expected = False
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._orders: asyncio.Queue[Control] = asyncio.Queue()
        self._outstanding = 0
        self._worker = asyncio.create_task(self._work(), name=f"machine {name}")

    @property
    def power(self) -> bool:
        """Whether QEMU runs; while orders wait, what it will be when they are carried out."""
        return self._expected if self._outstanding else self._process is not None

    @property
    def pid(self) -> int | None:
        """The process that is the machine, for tests and messages."""
        return self._process.pid if self._process else None

    def control(self, action: Control) -> None:
        """Take an order; orders are carried out one after the other."""
        on = action in (Control.ON, Control.CYCLE)
        self._expected = on if on or action == Control.OFF else self.power
        self._outstanding += 1
        self._orders.put_nowait(action)

    def serial_input(self, data: bytes) -> None:
        """Pass on what was typed, unless the guest has not read for long."""
        stdin = self._process.stdin if self._process else None
        if stdin is not None and stdin.transport.get_write_buffer_size() < TYPED_MAX:
            stdin.write(data)

    async def close(self) -> None:
        """Cut the power and stop taking orders."""
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        await self._stop()

    async def _work(self) -> None:
        while True:
            action = await self._orders.get()
            try:
                await self._carry_out(action)
            except (SbkernelError, OSError) as error:
                self._report(f"{action.name.lower()}: {error}")
            finally:
                self._outstanding -= 1

    async def _carry_out(self, action: Control) -> None:
        if action == Control.ON:
            await self._start()
        elif action == Control.OFF:
            await self._stop()
        elif action == Control.CYCLE or (action == Control.RESET and self.boot.valid):
            # QEMU reads the boot order only when it starts, so a reset to another device is a new start.
            await self._stop()
            await asyncio.sleep(CYCLE_S if action == Control.CYCLE else 0)
            await self._start()
        elif self._process is not None:
            await qmp.command(self._socket, _QMP[action])

    @property
    def _socket(self) -> Path:
        return self._run / f"{self.name}.qmp"

    async def _start(self) -> None:
        if self._process is not None:
            return
        machine = await self._describe()
        boot = boot_order(self.boot)
        with contextlib.ExitStack() as stack:
            bridged = machine.network != qemu.USER_NETWORK
            tap = stack.enter_context(tap_on(machine.network)) if bridged else -1
            self._socket.unlink(missing_ok=True)
            argv = qemu.argv(machine, boot=boot, qmp=self._socket.name, tap_fd=tap)
            self._process = await spawn_async(
                argv, cwd=self._run, stdin=PIPE, stdout=PIPE, stderr=PIPE, pass_fds=(tap,) if bridged else ()
            )
        if not self.boot.persistent:
            self.boot = NO_OVERRIDE
        self._log(f"{self.name}: power on, boots from {boot}, {'KVM' if machine.kvm else 'TCG'}")
        self._reader = asyncio.create_task(self._attend(self._process))

    async def _stop(self) -> None:
        process, reader = self._process, self._reader
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if reader is not None:
            await reader

    async def _attend(self, process: asyncio.subprocess.Process) -> None:
        """Carry what QEMU writes until it ends; then the machine is off."""
        complaints, _ = await asyncio.gather(_all(process.stderr), self._carry_serial(process.stdout))
        status = await process.wait()
        self._process = self._reader = None
        self._socket.unlink(missing_ok=True)
        if status > 0:
            self._report(f"QEMU failed: {complaints.decode(errors='replace').strip() or f'exit status {status}'}")
        else:
            self._log(f"{self.name}: power off")

    async def _carry_serial(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (data := await stream.read(4096)):
            self.on_serial(data)

    def _report(self, trouble: str) -> None:
        """Tell it in the log and to whoever looks at the console."""
        self._log(f"{self.name}: {trouble}")
        self.on_serial(f"\r\n[{trouble}]\r\n".replace("\n  ", "\r\n  ").encode())


_QMP = {Control.RESET: "system_reset", Control.SOFT: "system_powerdown", Control.NMI: "inject-nmi"}


def boot_order(flags: BootFlags) -> str:
    """Return the value of QEMU's -boot: a node boots from the network unless told otherwise."""
    drive = {"HARD_DRIVE": "c", "CD": "d", "FLOPPY": "a"}.get(flags.device.name, "n") if flags.valid else "n"
    return f"order={drive}" if flags.persistent or drive == "n" else f"once={drive},order=n"


async def _all(stream: asyncio.StreamReader | None) -> bytes:
    """Read to the end, keeping the last 4 KiB."""
    tail = b""
    while stream is not None and (data := await stream.read(4096)):
        tail = (tail + data)[-4096:]
    return tail
