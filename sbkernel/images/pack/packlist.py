"""Walk a tree and say what of it goes into the image; then look closely at what does.

Packing needs names only, so the close look can be taken beside it. `python -m sbkernel.images.pack.packlist
FUNCTION` does either inside a user namespace, when an ordinary user's tree holds files of his subordinate ids, some of
which he may not read himself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path

from sbkernel.images.pack.exclusion import Exclusion

_NAME = attrgetter("name")


@dataclass(frozen=True)
class PackList:
    """What a walk found: the topmost paths that are left out (usr/share/doc), and every path that stays (./usr)."""

    excluded: Sequence[str]
    kept: Sequence[str]


@dataclass(frozen=True)
class Look:
    """What a close look found.

    `fingerprint` changes with the name, type, mode, owner, size or time stamp of anything that stays. `changed_ns` is
    when the last of it was changed in whatever way (st_ctime_ns).
    """

    fingerprint: str
    changed_ns: int


def pack_list(tree: str, exclude: list[str], include: list[str]) -> PackList:
    """Walk a tree and apply an exclude list; nothing in file systems mounted below the tree stays."""
    return _Walk(tree, Exclusion(exclude, include)).result()


def look(tree: str, kept: Sequence[str]) -> Look:
    """Look at the paths of a tree that stay; what has vanished meanwhile is passed over, its directory tells when."""
    facts, changed_ns = [], 0
    for path in kept:
        try:
            status = os.lstat(f"{tree}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        facts.append(_fact(path, status))
        changed_ns = max(changed_ns, status.st_ctime_ns)
    return Look(hashlib.sha256(os.fsencode("".join(facts))).hexdigest(), changed_ns)


def _fact(path: str, status: os.stat_result) -> str:
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    owner, when = f"{status.st_uid} {status.st_gid}", status.st_mtime_ns
    return f"{path}\0{status.st_mode} {owner} {size} {when} {status.st_rdev}\0"


class _Walk:
    def __init__(self, tree: str, exclusion: Exclusion) -> None:
        self._tree = tree
        self._exclusion = exclusion
        self._keeps = exclusion.keeps
        self._device = os.lstat(tree).st_dev
        self._mounts = mounts_below(Path(tree), Path("/proc/self/mountinfo").read_text())
        self._kept = ["."]

    def result(self) -> PackList:
        excluded = tuple(path.removeprefix("./") for path in self._below("."))
        return PackList(excluded, tuple(self._kept))

    def _below(self, path: str) -> list[str]:
        """Return the topmost paths below a directory that are left out; only directories are looked at closely."""
        out: list[str] = []
        with os.scandir(f"{self._tree}/{path}") as found:
            entries = sorted(found, key=_NAME)
        for entry in entries:
            below = f"{path}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                out += self._directory(below, entry)
            elif self._keeps(below):
                self._kept.append(below)
            else:
                out.append(below)
        return out

    def _directory(self, path: str, entry: os.DirEntry[str]) -> list[str]:
        stays = self._keeps(path)
        if not stays and self._exclusion.drops_all_below(path):
            return [path]
        before = len(self._kept)
        if stays:
            self._kept.append(path)
        if entry.stat(follow_symlinks=False).st_dev != self._device or path in self._mounts:
            below = [f"{path}/{entry.name}" for entry in os.scandir(f"{self._tree}/{path}")]
        else:
            below = self._below(path)
        if len(self._kept) == before:
            return [path]
        if not stays:
            self._kept.append(path)
        return below


def mounts_below(tree: Path, mountinfo: str) -> frozenset[str]:
    """Return the mount points below a tree as ./paths, from the text of /proc/self/mountinfo (proc(5)).

    A bind mount of the same file system is found here and not by its device number.
    """
    root = str(tree.resolve())
    points = (re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), line.split()[4]) for line in mountinfo.splitlines())
    return frozenset("." + point.removeprefix(root) for point in points if point.startswith(root + "/"))


def main() -> None:
    """Call the function that argv names with the object on standard input; write its answer to standard output."""
    asked = json.load(sys.stdin)
    found = pack_list(**asked) if sys.argv[1] == pack_list.__name__ else look(**asked)
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main()
