"""Whether KVM works here: only a guest that has really booted with it proves that.

/dev/kvm can be opened, and firmware can run, on hosts whose KVM never boots an unmodified kernel. So a real Linux
kernel is booted until it says on its serial port that it found no root file system; that is proof enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path

from sbkernel.architectures import of_host
from sbkernel.jobs.command import find_program
from sbkernel.jobs.run import DEVNULL, PIPE, spawn_async
from sbkernel.netboot.commandline import NO_TIMER_CHECK
from sbkernel.nodes.virtual.qemu import KVM, hardware_of, tcg

PROBE_S = 15.0
MEMORY_MB = 256
PROOF = b"Kernel panic - not syncing: VFS"
"""A kernel without a root file system gets this far only when processors, memory, timers and interrupts work."""


class Probe:
    """Answers whether KVM is usable here; asks once for this boot of the host, QEMU and kernel."""

    def __init__(self, cache: Path, device: Path = Path("/dev/kvm")) -> None:
        self._cache = cache
        self._device = device
        self._turn = asyncio.Lock()

    async def usable(self, kernel: Path) -> bool:
        """Tell whether guests boot this kernel with KVM; takes up to PROBE_S seconds the first time."""
        if not os.access(self._device, os.R_OK | os.W_OK):
            return False
        file = self._cache / f"kvm-{_key(kernel)}.json"
        async with self._turn:
            with contextlib.suppress(OSError, ValueError, KeyError):
                return bool(json.loads(file.read_text())["usable"])
            answer = await boots(kernel, kvm=True)
            _write(file, {"usable": answer})
            return answer


async def boots(kernel: Path, *, kvm: bool, timeout_s: float = PROBE_S) -> bool:
    """Boot a kernel with nothing else and tell whether it came to life within `timeout_s` seconds."""
    process = await spawn_async(probe_argv(kernel, kvm=kvm), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    try:
        async with asyncio.timeout(timeout_s):
            return await _says(process.stdout, PROOF)
    except TimeoutError:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def probe_argv(kernel: Path, *, kvm: bool) -> list[str]:
    """Return the argv that boots a kernel with its console on standard output."""
    host = of_host()
    hardware = hardware_of(host.osarch)
    return [
        hardware.program,
        *("-machine", hardware.machine),
        *(KVM if kvm else tcg(hardware)),
        *("-smp", "2"),
        *("-m", str(MEMORY_MB)),
        *("-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", os.fspath(kernel)),
        *("-append", f"console={host.serial}0 panic=-1 {NO_TIMER_CHECK}"),
    ]


async def _says(stream: asyncio.StreamReader | None, words: bytes) -> bool:
    """Read until the words or the end."""
    tail = b""
    while stream is not None and (data := await stream.read(4096)):
        tail = tail[-len(words) :] + data
        if words in tail:
            return True
    return False


def _key(kernel: Path) -> str:
    """Name what the answer depends on; the kernel by its place, size and age, for hashing it takes longer."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    status = kernel.resolve().stat()
    qemu = Path(find_program(hardware_of(of_host().osarch).program)).resolve().stat()
    parts = (boot, qemu.st_size, qemu.st_mtime_ns, kernel.resolve(), status.st_size, status.st_mtime_ns)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _write(file: Path, value: dict[str, bool]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as beside:
        json.dump(value, beside)
    Path(beside.name).replace(file)
