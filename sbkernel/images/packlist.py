"""Walk a tree once: what is to be left out of the image, and a fingerprint of what stays.

Run as `python -m sbkernel.images.packlist` inside a user namespace when an ordinary user's tree holds files of
his subordinate ids, some of which he may not read himself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path

from sbkernel.images.exclusion import Exclusion

_NAME = attrgetter("name")


@dataclass(frozen=True)
class PackList:
    """What a walk found: topmost paths left out, entries and bytes that stay, the newest time stamp among them.

    `fingerprint` changes with the name, type, mode, owner, size or time stamp of anything that stays.
    """

    excluded: tuple[str, ...]
    entries: int
    size: int
    newest: int
    fingerprint: str


def pack_list(tree: Path, exclude: list[str], include: list[str]) -> PackList:
    """Walk a tree and apply an exclude list; nothing in file systems mounted below the tree stays."""
    return _Walk(tree, Exclusion(exclude, include)).result()


class _Walk:
    def __init__(self, tree: Path, exclusion: Exclusion) -> None:
        self._tree = str(tree)
        self._exclusion = exclusion
        self._keeps = exclusion.keeps
        self._device = os.lstat(tree).st_dev
        self._mounts = mounts_below(tree, Path("/proc/self/mountinfo").read_text())
        self._facts: list[str] = []
        self._size = self._newest = 0

    def result(self) -> PackList:
        self._stays(".", os.lstat(self._tree))
        excluded = tuple(path.removeprefix("./") for path in self._below("."))
        fingerprint = hashlib.sha256(os.fsencode("".join(self._facts))).hexdigest()
        return PackList(excluded, len(self._facts), self._size, self._newest, fingerprint)

    def _below(self, path: str) -> list[str]:
        """Return the topmost paths below a directory that are left out; only what stays is looked at closely."""
        out: list[str] = []
        with os.scandir(f"{self._tree}/{path}") as found:
            entries = sorted(found, key=_NAME)
        for entry in entries:
            below = f"{path}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                out += self._directory(below, entry.stat(follow_symlinks=False))
            elif self._keeps(below):
                self._stays(below, entry.stat(follow_symlinks=False))
            else:
                out.append(below)
        return out

    def _directory(self, path: str, status: os.stat_result) -> list[str]:
        stays = self._keeps(path)
        if not stays and self._exclusion.drops_all_below(path):
            return [path]
        before = len(self._facts)
        if stays:
            self._stays(path, status)
        if status.st_dev != self._device or path in self._mounts:
            below = [f"{path}/{entry.name}" for entry in os.scandir(f"{self._tree}/{path}")]
        else:
            below = self._below(path)
        if len(self._facts) == before:
            return [path]
        if not stays:
            self._stays(path, status)
        return below

    def _stays(self, path: str, status: os.stat_result) -> None:
        plain = stat.S_ISREG(status.st_mode)
        size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
        owner, when = f"{status.st_uid} {status.st_gid}", status.st_mtime_ns
        self._facts.append(f"{path}\0{status.st_mode} {owner} {size} {when} {status.st_rdev}\0")
        self._size += size if plain else 0
        self._newest = max(self._newest, int(status.st_mtime))


def mounts_below(tree: Path, mountinfo: str) -> frozenset[str]:
    """Return the mount points below a tree as ./paths, from the text of /proc/self/mountinfo (proc(5)).

    A bind mount of the same file system is found here and not by its device number.
    """
    root = str(tree.resolve())
    points = (re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), line.split()[4]) for line in mountinfo.splitlines())
    return frozenset("." + point.removeprefix(root) for point in points if point.startswith(root + "/"))


def main() -> None:
    """Read {tree, exclude, include} from standard input and write the PackList to standard output."""
    asked = json.load(sys.stdin)
    found = pack_list(Path(asked["tree"]), asked["exclude"], asked["include"])
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main()
