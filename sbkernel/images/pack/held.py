"""Copy what a layer holds out of a tree, with whiteouts for what it takes away.

For a packer that takes a directory as it is, as mkfs.erofs does, which makes up no whiteouts. The tree itself stays
untouched: even a hard link to one of its files would change that.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Copied:
    """How many paths were copied, and how many whiteouts made."""

    paths: int
    whiteouts: int


def copy_held(tree: str, kept: Sequence[str], gone: Sequence[str], target: str) -> Copied:
    """Copy paths (./x) of a tree to a new directory, with owners, modes, times, attributes and hard links.

    A whiteout is the device 0:0, which everybody may make (Documentation/filesystems/overlayfs.rst; Linux 5.8).
    """
    links: dict[tuple[int, int], str] = {}
    folders: list[tuple[str, os.stat_result]] = []
    for path in sorted(kept, key=os.fsencode):
        source, copy = f"{tree}/{path}", target if path == "." else f"{target}/{path}"
        status = os.lstat(source)
        if stat.S_ISDIR(status.st_mode):
            folders.append((copy, status))
        elif (first := links.setdefault((status.st_dev, status.st_ino), copy)) != copy:
            os.link(first, copy, follow_symlinks=False)
            continue
        _make(source, copy, status)
        _dress(source, copy, status)
    for path in gone:
        os.mknod(f"{target}/{path}", stat.S_IFCHR, os.makedev(0, 0))
        os.utime(f"{target}/{path}", ns=(0, 0))
    # What is made in a directory is a change of it.
    for copy, status in reversed(folders):
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    return Copied(len(kept), len(gone))


def _make(source: str, copy: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        Path(copy).mkdir()
    elif stat.S_ISREG(status.st_mode):
        shutil.copyfile(source, copy)
    elif stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(source), copy)  # noqa: PTH115, PTH211 - a Path would write x/ as x
    else:
        os.mknod(copy, status.st_mode, status.st_rdev)


def _dress(source: str, copy: str, status: os.stat_result) -> None:
    """Give a copy owner, mode, attributes and time, in this order: a new owner takes capabilities and setuid away."""
    os.chown(copy, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        Path(copy).chmod(stat.S_IMODE(status.st_mode))
    for name in os.listxattr(source, follow_symlinks=False):
        os.setxattr(copy, name, os.getxattr(source, name, follow_symlinks=False), follow_symlinks=False)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
