"""What we must know of an ELF file: for which machine it is, and whether it needs a dynamic loader (elf(5))."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_PT_INTERP = 3
_64_BIT, _LITTLE = 2, 1
MACHINES = {3: "i386", 21: "ppc64", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


@dataclass(frozen=True)
class Elf:
    """The machine, as `uname -m` calls it, and whether the file stands alone."""

    machine: str
    static: bool


def read_elf(data: bytes) -> Elf | None:
    """Read the head of a file, program headers included; None if it is not an ELF file."""
    if len(data) < 64 or data[:4] != b"\x7fELF":
        return None
    order = "<" if data[5] == _LITTLE else ">"
    wide = data[4] == _64_BIT
    (machine,) = struct.unpack_from(f"{order}H", data, 18)
    (table,) = struct.unpack_from(f"{order}Q" if wide else f"{order}I", data, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", data, 54 if wide else 42)
    starts = [table + size * number for number in range(count)]
    kinds = {struct.unpack_from(f"{order}I", data, start)[0] for start in starts if start + 4 <= len(data)}
    return Elf(MACHINES.get(machine, f"machine {machine}"), static=_PT_INTERP not in kinds)


def read_elf_file(path: Path) -> Elf | None:
    """Read the head of a file on disk; None if it is not an ELF file or cannot be read."""
    try:
        with path.open("rb") as file:
            return read_elf(file.read(4096))
    except OSError:
        return None
