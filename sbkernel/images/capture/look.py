"""What a running system is and what its root holds: asked for in one script, read as one value."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from sbkernel import resources
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.images.capture.source import Source
from sbkernel.packages import release
from sbkernel.packages.release import Release

BLOCK_BYTES = 512
_OF_KERNEL = frozenset((
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
    "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs",
    "tracefs",
))  # fmt: skip
"""File systems that hold no files, but what the kernel shows."""
_IN_MEMORY = frozenset(("overlay", "ramfs", "squashfs", "erofs", "tmpfs"))
"""Those of our initrd are among them; nobody misses them in an image, but they can be asked for."""
_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_FIELDS = 6


class Entry(NamedTuple):
    """One path of a root (./usr/bin/sh): its type as find(1) prints it, and of a file its bytes and those on disk.

    Entries with the same `inode` are one file.
    """

    path: str
    kind: str
    inode: str = ""
    size: int = 0
    disk: int = 0
    mtime: float = 0.0


class Mounted(NamedTuple):
    """A mount point and the kind of its file system."""

    point: str
    kind: str


@dataclass(frozen=True)
class Look:
    """What a system says of itself: the machine and kernel (uname(1)), os-release(5), what it booted, its root.

    `booted` is the digest of the version that it runs, "" if no image of ours; `entries` are all paths of its root
    and of those file systems that were asked for, no others being crossed.
    """

    machine: str
    kernel: str
    release: Release
    booted: str
    mounts: tuple[Mounted, ...]
    entries: tuple[Entry, ...]

    def not_crossed(self, crossed: Sequence[str]) -> list[Mounted]:
        """Return the file systems with files of the node's own that stay out."""
        return [
            one for one in self.mounts if one.point not in ("/", *crossed) and one.kind not in _OF_KERNEL | _IN_MEMORY
        ]


def look_at(source: Source, crossed: Sequence[str]) -> Look:
    """Ask a system what it is and what its root holds; `crossed` are mount points that are part of it, too.

    Raises DefinitionError for one that cannot be, NodeError when it cannot be asked or is not what can be captured.
    """
    for point in crossed:
        _check_point(point)
    look = read(source.ask(script(crossed)), source.name)
    found = {one.point: one.kind for one in look.mounts}
    for point in crossed:
        if found.get(point, "proc") in _OF_KERNEL:
            there = " ".join(one.point for one in look.not_crossed(())) or "none"
            raise NodeError(
                source.name, f"no file system with files of its own is mounted on {point}", hint=f"there: {there}"
            )
    return look


def script(crossed: Sequence[str]) -> str:
    """Return the script that a system runs."""
    words = " ".join(shlex.quote(f".{point}") for point in crossed)
    return f"set -- {words}\n" + (resources.templates() / "image" / "look.sh").read_text()


def read(output: bytes, name: str) -> Look:
    """Return what the output of the script says. Raises NodeError when it is not whole or the system lacks programs."""
    records = os.fsdecode(output).split("\0")
    if records[-2:] != ["end=", ""]:
        raise NodeError(name, "the list of its files broke off", hint="try again")
    try:
        return _read(records, name)
    except (ValueError, KeyError, IndexError):
        hint = "log in there: do sh, uname, cat and find work?"
        raise NodeError(name, "what it says of itself cannot be read", hint=hint) from None


def _read(records: list[str], name: str) -> Look:
    start = records.index("files=")
    said: dict[str, str] = {}
    missing = []
    for key, _, value in (record.partition("=") for record in records[:start]):
        missing += [value] if key == "missing" else []
        said[key] = value
    entries = tuple(map(_entry, records[start + 1 : -2]))
    if missing or not entries:
        lacks = " and ".join(missing) or "a find that knows -printf"
        raise NodeError(name, f"it lacks {lacks}", hint="install tar and findutils there, and add them to its pkglist")
    boot = dict(line.partition("=")[::2] for line in said["boot"].splitlines())
    booted = boot.get("image", "")  # it becomes part of a path
    mounts = tuple(_mounts(said["mounts"]).items())
    return Look(
        said["machine"], said["kernel"], release.parse(said["release"]), booted if booted.isalnum() else "",
        tuple(Mounted(point, kind) for point, kind in mounts), entries,
    )  # fmt: skip


def _entry(record: str) -> Entry:
    kind, inode, size, blocks, mtime, path = record.split(" ", _FIELDS - 1)
    return Entry(path, kind, inode, int(size), int(blocks) * BLOCK_BYTES, float(mtime))


def _mounts(mountinfo: str) -> Mapping[str, str]:
    """Return mount points with the kind of what is mounted there last, from /proc/self/mountinfo (proc(5))."""
    found = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), before.split()[4])
        found[point] = after.split()[0]
    return found


def _check_point(point: str) -> None:
    path = PurePosixPath(point)
    if not path.is_absolute() or ".." in path.parts or str(path) != point or point == "/" or not point.isprintable():
        raise DefinitionError(f"{point!r} is no mount point", hint="a full path without a slash at its end: /boot")
