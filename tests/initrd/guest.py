"""A guest under QEMU's emulation, its serial console read as it comes."""

import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

from waiting import until

MAC = "52:54:00:12:34:56"
_CURSOR = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]")
USER_NETWORK = f"user,model=virtio-net-pci,mac={MAC}"


class Guest:
    """Boots at once; `wait_for` reads its console."""

    def __init__(
        self, arguments: list[str], *, memory_mb: int = 256, network: str | None = None, prefix: tuple[str, ...] = ()
    ) -> None:
        self.console = ""
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [
                *prefix,
                *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2"),
                *("-m", str(memory_mb), "-nographic", "-no-reboot", "-monitor", "none", "-serial", "stdio"),
                *("-nic", network or USER_NETWORK),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def from_files(cls, kernel: Path, initrd: Path, line: str, *, memory_mb: int, network: str | None) -> Self:
        """Boot a kernel and an initrd given directly."""
        arguments = ["-kernel", str(kernel), "-initrd", str(initrd), "-append", line]
        return cls(arguments, memory_mb=memory_mb, network=network)

    @classmethod
    def from_network(cls, script: str, *, memory_mb: int) -> Self:
        """Boot from the network card's iPXE, to which DHCP names `script`."""
        return cls(["-boot", "n"], memory_mb=memory_mb, network=f"{USER_NETWORK},bootfile={script}")

    def _read(self) -> None:
        assert self._process.stdout
        while chunk := self._process.stdout.read1(4096):
            self.console += chunk.decode(errors="replace").replace("\r", "")

    def wait_for(self, text: str, timeout_s: float = 200) -> str:
        """Wait until the console has shown `text`; return all of it."""
        left_s = self.started + timeout_s - time.monotonic()
        until(lambda: text in self._plain(), left_s, unless=self._ended, seen=lambda: self._plain()[-4000:])
        return self._plain()

    def _plain(self) -> str:
        """Return the console without what moves the cursor: SeaBIOS says at any time where it is."""
        return _CURSOR.sub("", self.console)

    def _ended(self) -> bool:
        return self._process.poll() is not None and not self._reader.is_alive()

    def is_on(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
