"""What of a running root is captured: decided here, from the list of its paths, before any of it is read. Pure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sbkernel.images.capture.identity import IS_SECRET, Identity
from sbkernel.images.capture.look import Entry, Look
from sbkernel.images.pack.exclusion import Exclusion
from sbkernel.lists.exlist import Exlist
from sbkernel.units import shortened, size

_TAKEN = "fdl"
"""Files, directories and links. Sockets and pipes are there while programs run, and devices come from the kernel."""
BY_LIST = "what the exlist leaves out"
_SHOWN = 5


class Choice:
    """What decides about a path: the table of a node's own things, then an exlist, then what is mounted."""

    def __init__(self, exlist: Exlist, brought: Collection[str], mounts: Collection[str] = ()) -> None:
        self._identity = Identity(brought)
        self._exclusion = Exclusion(exlist.exclude, exlist.include)
        self._below = tuple(f".{point}/" for point in mounts)

    def why_not(self, path: str, kind: str = "f") -> str:
        """Return why a path stays out, in words; "" for one that is taken."""
        if path.startswith(self._below):
            return "what is mounted on it"
        if found := self._identity.trace(path, directory=kind == "d"):
            return found
        if not self._exclusion.keeps(path):
            return BY_LIST
        return "" if kind in _TAKEN else "sockets, pipes and devices"


@dataclass(frozen=True)
class Chosen:
    """The paths to take, and how many stay out, by the reason."""

    entries: tuple[Entry, ...]
    left_out: Mapping[str, int]

    @cached_property
    def files(self) -> tuple[Entry, ...]:
        """Return the plain files, one with several names once."""
        return tuple({one.inode: one for one in self.entries if one.kind == "f"}.values())

    @cached_property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(one.size for one in self.files)

    @property
    def disk(self) -> int:
        """Return the bytes that they take on the node's disk, which may be fewer: holes take none."""
        return sum(min(one.disk, one.size) for one in self.files)

    @property
    def names(self) -> bytes:
        """Return all paths, each followed by NUL."""
        return b"".join(os.fsencode(one.path) + b"\0" for one in self.entries)

    @property
    def secrets(self) -> list[str]:
        """Return the private keys among the files."""
        return [one.path[1:] for one in self.entries if one.kind == "f" and IS_SECRET.fullmatch(one.path)]

    def __str__(self) -> str:
        """Return what is taken and what is not, a line each."""
        lines = [f"{len(self.files)} files, {size(self.size)}"]
        lines += [f"left out: {what} ({count})" for what, count in sorted(self.left_out.items())]
        return "\n".join(lines)


def choose(look: Look, exlist: Exlist, brought: Collection[str], crossed: Sequence[str]) -> Chosen:
    """Return what of a root is taken; `crossed` are mount points that belong to it."""
    mounts = [one.point for one in look.mounts if one.point not in ("/", *crossed)]
    choice = Choice(exlist, brought, mounts)
    entries = {one.path: one for one in look.entries}  # a mount point is listed twice; what is mounted counts
    left_out = Counter[str]()
    taken = set()
    for path, entry in entries.items():
        if why := choice.why_not(path, entry.kind):
            left_out[why] += 1
        else:
            taken.add(path)
    taken |= {above for path in taken for above in _above(path) if above in entries}
    return Chosen(tuple(entries[path] for path in sorted(taken, key=os.fsencode)), dict(left_out))


def remarks(look: Look, chosen: Chosen, crossed: Sequence[str]) -> list[str]:
    """Return what whoever captures should know, a line each."""
    out = [f"not crossed: {one.point} ({one.kind}); --mount {one.point} takes it" for one in look.not_crossed(crossed)]
    secrets = shortened(chosen.secrets, _SHOWN)
    return out + ([f"private keys are among the files: {', '.join(secrets)}"] if secrets else [])


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
