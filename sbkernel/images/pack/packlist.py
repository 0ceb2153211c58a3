"""Walk a tree and say what of it goes into the image; then look closely at what does.

Packing needs names only, so the close look can be taken beside it. `python -m sbkernel.images.pack.packlist
FUNCTION` does any of this inside a user namespace, when an ordinary user's tree holds files of his subordinate ids,
some of which he may not read himself.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path

from sbkernel.images.pack.exclusion import Exclusion
from sbkernel.images.pack.held import Copied, copy_held
from sbkernel.images.pack.listing import Listed, content_list

NEWC_LARGEST = 0xFFFF_FFFF
"""The largest file of a cpio archive in bytes: its header has eight hexadecimal digits for them (cpio(5))."""

_NAME = attrgetter("name")
_PAGE, _NAME_BYTES = 4096, 1024
_KINDS = {
    "security.capability": "capabilities",
    "system.posix_acl_access": "acls",
    "system.posix_acl_default": "acls",
}


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


@dataclass(frozen=True)
class Survey:
    """What the content takes, in bytes: in files, and unpacked in a node's memory; and what not every format holds.

    `large` are files of 4 GiB and more; see capabilities(7) and acl(5). In memory a file takes whole pages, and each
    name about 1 KiB of the kernel. `newest_s` is the latest time stamp, in whole seconds since the epoch.
    """

    size: int = 0
    unpacked: int = 0
    newest_s: int = 0
    capabilities: Sequence[str] = ()
    acls: Sequence[str] = ()
    large: Sequence[str] = ()
    sockets: Sequence[str] = ()


Found = PackList | Look | Survey | Listed | Copied


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


def survey(tree: str, kept: Sequence[str]) -> Survey:
    """Look at the size of what stays of a tree, and for what only some formats can keep; as look() else."""
    seen: set[tuple[int, int]] = set()
    found: dict[str, list[str]] = {"capabilities": [], "acls": [], "large": [], "sockets": []}
    size = pages = newest_s = 0
    for path in kept:
        try:
            status = os.lstat(f"{tree}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        for kind in {_KINDS[name] for name in _attributes(f"{tree}/{path}") if name in _KINDS}:
            found[kind].append(path)
        newest_s = max(newest_s, int(status.st_mtime))
        if stat.S_ISSOCK(status.st_mode):
            found["sockets"].append(path)
        if not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        size += status.st_size
        pages += -(-status.st_size // _PAGE)
        if status.st_size > NEWC_LARGEST:
            found["large"].append(path)
    return Survey(size, pages * _PAGE + len(kept) * _NAME_BYTES, newest_s, **found)


def _attributes(path: str) -> list[str]:
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError:  # a file system that has none
        return []


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
    known: tuple[Callable[..., Found], ...] = (pack_list, look, survey, content_list, copy_held)
    functions = {function.__name__: function for function in known}
    json.dump(asdict(functions[sys.argv[1]](**asked)), sys.stdout)


if __name__ == "__main__":
    main()
