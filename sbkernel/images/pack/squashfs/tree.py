"""The inodes and directories of a tree, as squashfs holds them: what is known without the data first, then the rest."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from sbkernel.images.pack.listing import Examined
from sbkernel.images.pack.squashfs import inodes
from sbkernel.images.pack.squashfs.data import Layout
from sbkernel.images.pack.squashfs.inodes import Data, Head, Inode, Spot
from sbkernel.images.pack.squashfs.tables import NONE, Attributes, Closing, Ids, Metadata, keeps, reference

_WHITEOUT = os.stat_result((stat.S_IFCHR, *[0] * 9), {"st_rdev": 0, "st_mtime_ns": 0})
"""The device 0:0, which hides a path of a lower layer (Documentation/filesystems/overlayfs.rst)."""


class Tree:
    """A tree that was examined, with whiteouts where paths are `gone`; `say` gets what squashfs does not keep."""

    def __init__(self, examined: Examined, gone: Sequence[str], attributes: Attributes, say: Callable[[str], None]):
        self._examined = examined
        self._found = {**examined.found, **dict.fromkeys(gone, _WHITEOUT)}
        self._ids, self._attributes = Ids(), attributes
        self._children = _children(self._found)
        self._numbers = _numbers(self._found, examined.names)
        self._heads = {path: self._head(path, status) for path, status in self._found.items()}
        self._sets = {path: self._set(path, say) for path in examined.found}

    def closing(self, layout: Layout, inode_rows: Metadata, listing_rows: Metadata) -> Closing:
        """Write every inode, those of a directory after those of what is in it; return what comes behind the data."""
        writing = _Writing(inode_rows, listing_rows, [0] * len(set(self._numbers.values())))
        folders = [path for path, head in self._heads.items() if head.kind == inodes.DIRECTORY]
        for folder in sorted(folders, key=os.fsencode, reverse=True):
            below = []
            for name in self._children[folder]:
                path = f"{folder}/{name}"
                head = self._heads[path]
                if head.kind != inodes.DIRECTORY and head.number not in writing.placed:
                    writing.put(head, self._inode(path, head, layout))
                below.append((os.fsencode(name), writing.placed[head.number]))
            self._put_folder(folder, below, writing)
        return Closing(
            inode_rows, listing_rows, layout.fragments, self._attributes, writing.exports, self._numbers["."], self._ids
        )

    def _head(self, path: str, status: os.stat_result) -> Head:
        owner, group = self._ids.place(status.st_uid), self._ids.place(status.st_gid)
        return inodes.head(status, owner, group, self._numbers[path])

    def _set(self, path: str, say: Callable[[str], None]) -> int:
        """Return the place of the attributes of a path."""
        has = self._examined.attributes(path)
        for name in [name for name, _ in has if not keeps(name)]:
            say(f"{path!r}: squashfs does not keep {name}")
        return self._attributes.place([(name, bytes.fromhex(value)) for name, value in has if keeps(name)])

    def _inode(self, path: str, head: Head, layout: Layout) -> bytes:
        """Return the inode of what is no directory."""
        status = self._found[path]
        links, attributes = len(self._examined.names.get(path, (path,))), self._sets.get(path, NONE)
        if head.kind == inodes.FILE:
            data = layout.contents[self._examined.sum_of(path)] if status.st_size else Data()
            return inodes.file_inode(head, data, links, attributes)
        target = os.readlink(os.fsencode(f"{self._examined.tree}/{path}")) if head.kind == inodes.LINK else b""  # noqa: PTH115 - bytes
        return inodes.other_inode(head, links, attributes, target=target, device=status.st_rdev)

    def _put_folder(self, path: str, below: Sequence[tuple[bytes, Inode]], writing: _Writing) -> None:
        listed = inodes.listing(below)
        spot, parts = writing.put_listing(listed)
        links = 2 + sum(inode.kind == inodes.DIRECTORY for _, inode in below)
        parent = len(writing.exports) + 1 if path == "." else self._numbers[path.rpartition("/")[0]]
        attributes = self._sets.get(path, NONE)
        inode = inodes.directory_inode(
            self._heads[path], spot, listed, parts, links=links, parent=parent, attributes=attributes
        )
        writing.put(self._heads[path], inode)


class _Writing:
    """Where inodes and listings have come to lie so far; inodes by number."""

    def __init__(self, inode_rows: Metadata, listing_rows: Metadata, exports: list[int]) -> None:
        self.placed: dict[int, Inode] = {}
        self.exports = exports
        self._inodes, self._listings = inode_rows, listing_rows

    def put(self, head: Head, inode: bytes) -> None:
        place = self._inodes.place
        self.exports[head.number - 1] = reference(place)
        self.placed[head.number] = Inode(head.kind, head.number, *place)
        self._inodes.append(inode)

    def put_listing(self, listed: inodes.Listing) -> tuple[Spot, list[int]]:
        """Put a listing; return where it begins, and the starts of the metadata blocks in which its parts do."""
        spot, begin = Spot(*self._listings.place), self._listings.position
        self._listings.append(listed.held)
        return spot, [self._listings.start_of(begin + offset) for offset, _ in listed.parts]


def _children(found: Mapping[str, os.stat_result]) -> Mapping[str, Sequence[str]]:
    """Return the names in each directory, sorted as bytes; what has lost its directory meanwhile is in none."""
    names = defaultdict[str, list[str]](list)
    for path in found:
        if path != ".":
            above, _, name = path.rpartition("/")
            names[above].append(name)
    return defaultdict(list, {above: sorted(every, key=os.fsencode) for above, every in names.items()})


def _numbers(found: Mapping[str, os.stat_result], names: Mapping[str, Sequence[str]]) -> Mapping[str, int]:
    """Return the number of the inode of each path, in the order of paths; names of one file have the same."""
    numbers: dict[str, int] = {}
    count = 0
    for path in found:
        first = names.get(path, (path,))[0]
        if first not in numbers:
            count += 1
            numbers[first] = count
        numbers[path] = numbers[first]
    return numbers
