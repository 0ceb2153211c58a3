"""fstab of a node: what xCAT writes by default, and reading one (fstab(5))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sbkernel.lists.text import Line, split


class Mount(NamedTuple):
    """One line of an fstab."""

    spec: str
    file: str
    vfstype: str
    options: str
    freq: int = 0
    passno: int = 0


_GENERIC = (
    Mount("devpts", "/dev/pts", "devpts", "gid=5,mode=620"),
    Mount("tmpfs", "/dev/shm", "tmpfs", "defaults"),  # noqa: S108
    Mount("proc", "/proc", "proc", "defaults"),
    Mount("sysfs", "/sys", "sysfs", "defaults"),
)
_RED_HAT = (
    Mount("proc", "/proc", "proc", "rw"),
    Mount("sysfs", "/sys", "sysfs", "rw"),
    Mount("devpts", "/dev/pts", "devpts", "rw,gid=5,mode=620"),
)
_RED_HAT_FAMILY = ("rh", "centos", "alma", "rocky", "ol", "SL")


def default(profile: str, arch: str, osvers: str) -> str:
    """Return the fstab that an image has after xCAT's genimage and its shipped postinstall.

    Debian and Ubuntu: seven lines, /tmp and /var/tmp without a size; SLES: with size=10m; Red Hat: three.
    """
    if osvers.startswith(_RED_HAT_FAMILY):
        return render(_RED_HAT)
    options = "defaults,size=10m" if osvers.startswith(("sle", "leap")) else "defaults"
    temporary = [Mount("tmpfs", where, "tmpfs", options, 0, 2) for where in ("/tmp", "/var/tmp")]  # noqa: S108
    return render([*_GENERIC, *temporary, Mount(f"{profile}_{arch}", "/", "tmpfs", "rw", 0, 1)])


def render(mounts: Iterable[Mount]) -> str:
    """Return the text of an fstab, columns aligned."""
    rows = [(m.spec, m.file, m.vfstype, m.options) for m in mounts]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    cells = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"{cell} {m.freq} {m.passno}\n" for cell, m in zip(cells, mounts, strict=True))


def parse(text: str, file: str = "fstab") -> list[Mount]:
    """Parse an fstab; ListFileError for a line that has too few or too many fields, or a bad number."""
    return [_mount(line) for line in split(file, text) if line.text.strip() and not line.text.lstrip().startswith("#")]


def _mount(line: Line) -> Mount:
    fields = line.text.split()
    if not 3 <= len(fields) <= 6:
        raise line.error(f"{len(fields)} fields, but 3 to 6 are expected", hint="device directory type options 0 0")
    numbers = fields[4:]
    if not all(number.isascii() and number.isdigit() for number in numbers):
        raise line.error("the fifth and sixth field are numbers", hint="device directory type options 0 0")
    words = [*fields[:4], "defaults"][:4]
    return Mount(words[0], words[1], words[2], words[3], *map(int, numbers))
