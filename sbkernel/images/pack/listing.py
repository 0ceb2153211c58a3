"""The content list of an image: what every path of it is, so that two contents are compared without either tree.

It is kept with a version that is packed in layers, one path a line. What a node never sees is not in it: a device 0:0,
which is what overlayfs calls a whiteout.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sbkernel.errors import BuildError
from sbkernel.images.sums import key_of

_HEAD = '{"format": 1}'
_OVERLAY = "trusted.overlay."
_PIECE = 1 << 20
_HURRIED = 512
_NONE = "-"
_quoted = json.encoder.encode_basestring_ascii


class Entry(NamedTuple):
    """What a path is: `what` is the sha256 of a plain file, the target of a link, the number of a device.

    `size` is that of a plain file. `attributes` and `names` are digests of its extended attributes and of the names
    that are one file, "" if it has none, or one.
    """

    mode: int
    uid: int
    gid: int
    mtime_s: int
    size: int
    what: str
    attributes: str
    names: str

    @property
    def is_directory(self) -> bool:
        """Tell whether it is a directory."""
        return stat.S_ISDIR(self.mode)


Listing = Mapping[str, Entry]
"""Entries by path; a directory (./usr) comes before what is in it (./usr/bin)."""


@dataclass(frozen=True)
class Listed:
    """The lines of a content list, and the paths whose attributes would mean something to overlayfs on a node.

    `sums` are those of the plain files, by what tells one (key_of), and of their extended attributes, "-" of none;
    `bytes` is what all of those files hold.
    """

    lines: Sequence[str]
    overlaid: Sequence[str]
    sums: Mapping[str, str]
    bytes: int


@dataclass(frozen=True)
class Examined:
    """Paths of a tree that are there, sorted, and what was found out about them.

    `keys` tell apart the plain files (key_of), and `names` are the paths that are one file, by each of them. By key,
    `read` are the sha256 of files, as far as they are known, and `noted` what is known of their extended attributes.
    """

    tree: str
    found: Mapping[str, os.stat_result]
    keys: Mapping[str, str]
    names: Mapping[str, Sequence[str]]
    read: dict[str, str]
    noted: dict[str, str]

    @property
    def sums(self) -> dict[str, str]:
        """Return what Listed calls so of what was read."""
        return {key: f"{sha256} {self.noted.get(key, '')}".rstrip() for key, sha256 in self.read.items()}

    @property
    def bytes(self) -> int:
        """Return the bytes of the plain files, each of which counts once."""
        return sum({key: self.found[path].st_size for path, key in self.keys.items()}.values())

    def sum_of(self, path: str) -> str:
        """Return the sha256 of a plain file that was read."""
        return self.read[self.keys[path]]

    def attributes(self, path: str) -> Sequence[tuple[str, str]]:
        """Return the extended attributes of a path, by name, in hex; of a plain file it is noted whether it has any."""
        key = self.keys.get(path, "")
        if self.noted.get(key) == _NONE:
            return ()
        has = _attributes(f"{self.tree}/{path}")
        if key and not any(name.startswith(_OVERLAY) for name, _ in has):
            self.noted[key] = _digest(has) if has else _NONE
        return has


def examine(tree: str, kept: Sequence[str], known: Mapping[str, str]) -> Examined:
    """Look at the paths of a tree that stay, not into files; what has vanished meanwhile is passed over.

    `known` are sums of an earlier look.
    """
    found = dict(_statuses(tree, kept))
    keys = {path: key_of(status) for path, status in found.items() if stat.S_ISREG(status.st_mode)}
    read, noted = dict[str, str](), dict[str, str]()
    for key in keys.values():
        sha256, _, attributes = known.get(key, "").partition(" ")
        if sha256:
            read[key] = sha256
        if attributes:
            noted[key] = attributes
    return Examined(tree, found, keys, _names(found), read, noted)


def content_list(tree: str, kept: Sequence[str], known: Mapping[str, str]) -> Listed:
    """List the paths of a tree that stay; what has vanished meanwhile is passed over.

    Files whose sums are `known`, as from an earlier list, are not read; nor are their attributes if they have none.
    """
    examined = examine(tree, kept, known)
    unread = {key: path for path, key in examined.keys.items() if key not in examined.read}
    examined.read.update(zip(unread, _sums(tree, list(unread.values())), strict=True))
    digests = {id(group): _digest(group) for group in examined.names.values()}
    lines, overlaid = [], []
    for path, status in examined.found.items():
        if not status.st_rdev and stat.S_ISCHR(status.st_mode):
            continue
        has = examined.attributes(path)
        if any(name.startswith(_OVERLAY) for name, _ in has):
            overlaid.append(path)
        what = examined.sum_of(path) if path in examined.keys else _what(f"{tree}/{path}", status)
        names = examined.names.get(path)
        lines.append(_line(path, status, what, _digest(has) if has else "", digests[id(names)] if names else ""))
    return Listed(lines, overlaid, examined.sums, examined.bytes)


def _statuses(tree: str, paths: Iterable[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield each path that is there with its status, sorted."""
    for path in sorted(paths, key=os.fsencode):
        try:
            status = os.lstat(f"{tree}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield path, status


def _names(found: Mapping[str, os.stat_result]) -> dict[str, Sequence[str]]:
    """Return all names of a file for each path of one that has several."""
    files: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for path, status in found.items():
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            files[status.st_dev, status.st_ino].append(path)
    return {path: group for group in files.values() if len(group) > 1 for path in group}


def _line(path: str, status: os.stat_result, what: str, attributes: str, names: str) -> str:
    """Return a line as the encoder of json writes it for a list, which takes four times as long."""
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    numbers = f"{status.st_mode}, {status.st_uid}, {status.st_gid}, {status.st_mtime_ns // 10**9}, {size}"
    return f'[{_quoted(path)}, {numbers}, {_quoted(what)}, "{attributes}", "{names}"]'


def packed(lines: Iterable[str]) -> bytes:
    """Return the file that holds the lines; the same lines give the same bytes."""
    return gzip.compress("".join(f"{line}\n" for line in (_HEAD, *lines)).encode(), compresslevel=6, mtime=0)


def read(file: Path) -> Listing:
    """Return what a file lists. BuildError if it is no content list that we know."""
    with _understood(file):
        return parsed(_lines(file))


def apart(below: Path, now: Path) -> tuple[Listing, Listing]:
    """Return of what two files list the entries that only one of them has so: of tens of thousands mostly a few.

    BuildError as read().
    """
    with _understood(below):
        before = _lines(below)
    with _understood(now):
        after = _lines(now)
        same = {*before}.intersection(after)
        only = [[line for line in lines if line not in same] for lines in (before, after)]
        return parsed(only[0]), parsed(only[1])


@contextmanager
def _understood(file: Path) -> Iterator[None]:
    """Say of what a block raises that a file is no content list."""
    try:
        yield
    except (OSError, EOFError, ValueError, TypeError, zlib.error) as error:
        raise BuildError(f"{file} is no content list: {error}") from error


def _lines(file: Path) -> list[str]:
    head, *lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    if head != _HEAD:
        raise BuildError(f"{file} is a content list of another format")
    return lines


def parsed(lines: Iterable[str]) -> Listing:
    """Return the entries that lines stand for."""
    return {path: Entry(*fields) for path, *fields in json.loads(f"[{','.join(lines)}]")}


def plain_files(listing: Listing, paths: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield path and bytes of the plain files among these paths, one with several names once."""
    seen: set[str] = set()
    for path in paths:
        entry = listing.get(path)
        if entry is not None and stat.S_ISREG(entry.mode) and entry.names not in seen:
            seen.update(filter(None, [entry.names]))
            yield path, entry.size


def _sums(tree: str, paths: Sequence[str]) -> Iterable[str]:
    """Yield the sha256 of each file; reading and summing leave Python's lock to others."""
    pieces = [paths[start : start + _HURRIED] for start in range(0, len(paths), _HURRIED)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        for sums in threads.map(lambda piece: [sum_of(f"{tree}/{path}") for path in piece], pieces):
            yield from sums


def sum_of(path: str) -> str:
    """Return the sha256 of a file."""
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        while piece := os.read(descriptor, _PIECE):
            digest.update(piece)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _what(path: str, status: os.stat_result) -> str:
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)  # noqa: PTH115 - tens of thousands of them
    is_device = stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}" if is_device else ""


def _attributes(path: str) -> list[tuple[str, str]]:
    """Return the extended attributes, sorted; [] on a file system that has none."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        return sorted((name, os.getxattr(path, name, follow_symlinks=False).hex()) for name in names)
    except OSError:
        return []


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:32]
