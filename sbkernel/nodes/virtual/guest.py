"""A virtual node's machine: QEMU as the thing that is switched on and off."""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sbkernel.definitions.tables.node_virtual import BIOS
from sbkernel.errors import SbkernelError
from sbkernel.jobs.run import PIPE, spawn_async
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.virtual import qemu, qmp
from sbkernel.nodes.virtual.tap import tap_on

CYCLE_S = 1.0
"""How long a power cycle leaves the node without power."""
START_S = 20.0
"""How long QEMU may take until it listens."""
_LOOK_EVERY_S = 0.05
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
        self.boot: BootOverride | None = None
        self.on_serial: Callable[[bytes], None] = lambda _data: None
        self._run = run
        self._describe = describe
        self._log = log
        self._expected = False
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._listens = False
        self._last_words = ""
        self._orders: asyncio.Queue[tuple[PowerChange, asyncio.Future[None]]] = asyncio.Queue()
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

    def control(self, change: PowerChange) -> None:
        """Take an order; orders are carried out one after the other, and what fails is told in the log."""
        self._order(change).add_done_callback(lambda done: done.cancelled() or done.exception())

    async def change(self, change: PowerChange) -> None:
        """Take an order and return when it is carried out. Raises SbkernelError or OSError when it cannot be."""
        await self._order(change)

    def _order(self, change: PowerChange) -> asyncio.Future[None]:
        on = change in (PowerChange.ON, PowerChange.CYCLE)
        self._expected = on if on or change == PowerChange.OFF else self.power
        self._outstanding += 1
        done = asyncio.get_running_loop().create_future()
        self._orders.put_nowait((change, done))
        return done

    def serial_input(self, data: bytes) -> None:
        """Pass on what was typed, unless the guest has not read for long."""
        stdin = self._process.stdin if self._process else None
        if stdin is not None and stdin.transport.get_write_buffer_size() < TYPED_MAX:
            stdin.write(data)

    async def close(self) -> None:
        """Cut the power and stop taking orders; whoever waits for one is cancelled."""
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)
        while not self._orders.empty():
            self._orders.get_nowait()[1].cancel()
        await self._stop()

    async def _work(self) -> None:
        while True:
            change, done = await self._orders.get()
            failed: Exception | None = None
            try:
                await self._carry_out(change)
            except asyncio.CancelledError:
                done.cancel()
                raise
            except (SbkernelError, OSError) as error:
                failed = error
            except Exception as error:
                # A definition that nobody foresaw must not end the node's orders for good.
                failed = SbkernelError(f"unexpected trouble ({type(error).__name__}: {error})")
            self._outstanding -= 1
            if failed:
                self._report(f"{change.value}: {failed}")
            if not done.done():
                done.set_exception(failed) if failed else done.set_result(None)

    async def _carry_out(self, change: PowerChange) -> None:
        if change == PowerChange.ON:
            await self._start()
        elif change == PowerChange.OFF:
            await self._stop()
        elif change == PowerChange.CYCLE or (change == PowerChange.RESET and self.boot):
            # QEMU reads the boot order only when it starts, so a reset to another device is a new start.
            await self._stop()
            await asyncio.sleep(CYCLE_S if change == PowerChange.CYCLE else 0)
            await self._start()
        elif self._process is not None:
            await qmp.command(self._socket, _QMP[change])

    @property
    def _socket(self) -> Path:
        return self._run / f"{self.name}.qmp"

    async def _start(self) -> None:
        if self._process is not None:
            return
        machine = await self._describe()
        boot = boot_order(self.boot, disk=bool(machine.disk))
        with contextlib.ExitStack() as stack:
            bridged = machine.network != qemu.USER_NETWORK
            tap = stack.enter_context(tap_on(machine.network)) if bridged else -1
            self._socket.unlink(missing_ok=True)
            argv = qemu.argv(machine, boot=boot, qmp=self._socket.name, tap_fd=tap)
            self._process = await spawn_async(
                argv, cwd=self._run, stdin=PIPE, stdout=PIPE, stderr=PIPE, pass_fds=(tap,) if bridged else ()
            )
        self._reader = asyncio.create_task(self._attend(self._process))
        if self.boot and not self.boot.persistent:
            self.boot = None
        await self._listening()
        if machine.firmware != BIOS and machine.disk and boot.startswith("once="):
            await self._boot_as_usual_after(boot)
        self._log(f"{self.name}: power on, boots from {boot}, {'KVM' if machine.kvm else 'TCG'}")

    async def _boot_as_usual_after(self, boot: str) -> None:
        """Tell QEMU the order that holds from the first reset on: -boot once= is for a BIOS alone."""
        usual = qemu.boot_index(boot.partition(",")[2])
        for step in (2, 0):  # no two devices may have one place, not even for a moment
            for device, place in usual.items():
                path = f"/machine/peripheral/{device}"
                await qmp.command(self._socket, "qom-set", path=path, property="bootindex", value=place + step)

    async def _listening(self) -> None:
        """Wait until QEMU takes commands. Raises SbkernelError when it does not, or ends."""
        deadline = time.monotonic() + START_S
        while self._process is not None:
            with contextlib.suppress(SbkernelError):
                await qmp.command(self._socket, "query-status")
                self._listens = True
                return
            if time.monotonic() >= deadline:
                raise SbkernelError(f"QEMU did not answer within {START_S:.0f} s")
            await asyncio.sleep(_LOOK_EVERY_S)
        raise SbkernelError(self._last_words)

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
        listened, self._listens = self._listens, False
        self._socket.unlink(missing_ok=True)
        if status > 0:
            said = complaints.decode(errors="replace").strip()
            self._last_words = f"QEMU failed: {said or f'exit status {status}'}"
            if listened:
                self._report(self._last_words)
        else:
            self._last_words = "QEMU was ended"
            self._log(f"{self.name}: power off")

    async def _carry_serial(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (data := await stream.read(4096)):
            self.on_serial(data)

    def _report(self, trouble: str) -> None:
        """Tell it in the log and to whoever looks at the console."""
        self._log(f"{self.name}: {trouble}")
        self.on_serial(f"\r\n[{trouble}]\r\n".replace("\n  ", "\r\n  ").encode())


_QMP = {
    PowerChange.RESET: "system_reset",
    PowerChange.SOFT_OFF: "system_powerdown",
    PowerChange.NMI: "inject-nmi",
}
_DRIVES = {BootDevice.HARD_DRIVE: "c", BootDevice.CD: "d", BootDevice.FLOPPY: "a"}


def boot_order(override: BootOverride | None, *, disk: bool = False) -> str:
    """Return the value of QEMU's -boot: a node boots from the network unless told otherwise, then from its disk."""
    drive, usual = _DRIVES.get(override.device, "n") if override else "n", "nc" if disk else "n"
    if drive == "n":
        return f"order={usual}"
    return f"order={drive}" if override and override.persistent else f"once={drive},order={usual}"


async def _all(stream: asyncio.StreamReader | None) -> bytes:
    """Read to the end, keeping the last 4 KiB."""
    tail = b""
    while stream is not None and (data := await stream.read(4096)):
        tail = (tail + data)[-4096:]
    return tail
