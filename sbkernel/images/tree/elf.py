"""What we must know of an ELF file: for which machine it is, and the loader and libraries that it needs (elf(5))."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sbkernel.architectures import machine_of
from sbkernel.packages import treefile

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB = 1, 5
_64_BIT, _LITTLE = 2, 1
# Any of these tells for which machine a tree is.
_SAMPLES = ("bin/sh", "sbin/init", "usr/bin/env", "usr/bin/busybox")


@dataclass(frozen=True)
class Elf:
    """The machine, as `uname -m` calls it, and whether the file stands alone."""

    machine: str
    static: bool


def read_elf(data: bytes) -> Elf | None:
    """Read the head of a file, program headers included; None if it is not an ELF file."""
    if len(data) < 64 or data[:4] != b"\x7fELF":
        return None
    order, wide = _order(data), _wide(data)
    (machine,) = struct.unpack_from(f"{order}H", data, 18)
    (table,) = struct.unpack_from(f"{order}Q" if wide else f"{order}I", data, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", data, 54 if wide else 42)
    starts = [table + size * number for number in range(count)]
    kinds = {struct.unpack_from(f"{order}I", data, start)[0] for start in starts if start + 4 <= len(data)}
    return Elf(machine_of(machine, little=order == "<"), static=_PT_INTERP not in kinds)


def read_elf_file(path: Path) -> Elf | None:
    """Read the head of a file on disk; None if it is not an ELF file or cannot be read."""
    try:
        with path.open("rb") as file:
            return read_elf(file.read(4096))
    except OSError:
        return None


def machine_of_tree(tree: Path) -> str | None:
    """Return the machine for which the programs of a tree are; None when there is none to tell."""
    samples = (treefile.find(tree, name) for name in _SAMPLES)
    return next((elf.machine for path in samples if path and (elf := read_elf_file(path))), None)


@dataclass(frozen=True)
class Linked:
    """The loader that a program names, "" for a library or a static one, and the libraries that it needs."""

    loader: str
    needed: tuple[str, ...]


def linked(path: Path) -> Linked | None:
    """Return what a file needs to be started; None if it is not a whole ELF file or cannot be read."""
    try:
        return _linked(path.read_bytes())
    except (OSError, struct.error, ValueError, StopIteration):
        return None


def _linked(data: bytes) -> Linked | None:
    if read_elf(data) is None:
        return None
    segments = list(_segments(data))
    loader = next((_text(data, s.offset) for s in segments if s.kind == _PT_INTERP), "")
    dynamic = next((s for s in segments if s.kind == _PT_DYNAMIC), None)
    if dynamic is None:
        return Linked(loader, ())
    word = struct.Struct(f"{_order(data)}{'qq' if _wide(data) else 'ii'}")
    entries = list(word.iter_unpack(_whole(data, dynamic, word.size)))
    address = next(value for tag, value in entries if tag == _DT_STRTAB)
    table = next(s.offset + address - s.address for s in segments if s.kind == _PT_LOAD and s.holds(address))
    return Linked(loader, tuple(_text(data, table + value) for tag, value in entries if tag == _DT_NEEDED))


@dataclass(frozen=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + self.size


def _segments(data: bytes) -> Iterator[_Segment]:
    order, wide = _order(data), _wide(data)
    (table,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", data, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", data, 54 if wide else 42)
    for start in range(table, table + size * count, size):
        if wide:
            kind, _, offset, address, _, length = struct.unpack_from(f"{order}IIQQQQ", data, start)
        else:
            kind, offset, address, _, length = struct.unpack_from(f"{order}IIIII", data, start)
        yield _Segment(kind, offset, address, length)


def _order(data: bytes) -> str:
    return "<" if data[5] == _LITTLE else ">"


def _wide(data: bytes) -> bool:
    return data[4] == _64_BIT


def _whole(data: bytes, segment: _Segment, unit: int) -> bytes:
    return data[segment.offset : segment.offset + segment.size // unit * unit]


def _text(data: bytes, start: int) -> str:
    return data[start : data.index(b"\0", start)].decode(errors="replace")
