"""Whether packages can share a tree, in any order: rules of paths, and of scripts that look at them. Pure.

A build installs all packages in one order, a change a few of them later. The outcome is the same where no path is
shared, and nobody else's scripts look at these packages. What the packages do themselves is for each family to say.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

COMMON = frozenset(map(PurePosixPath, (
    "/", "/boot", "/etc", "/etc/default", "/etc/init.d", "/opt", "/usr", "/usr/bin", "/usr/games", "/usr/lib",
    "/usr/libexec", "/usr/sbin", "/usr/share", "/usr/share/doc", "/usr/share/man", "/usr/share/man/man1",
    "/usr/share/man/man5", "/usr/share/man/man7", "/usr/share/man/man8", "/usr/lib/systemd", "/usr/lib/systemd/system",
    "/var", "/var/cache", "/var/lib", "/var/log",
)))  # fmt: skip
"""Directories that scripts name without looking at what else is there; so they do those of libraries."""
_LIBRARIES = re.compile(r"/usr/lib(32|64|/[a-z0-9_]+-linux-gnu[a-z0-9]*)")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_PATH = re.compile(r"/[A-Za-z0-9_.+@-]+(?:/[A-Za-z0-9_.+@-]+)*")


class Entry(NamedTuple):
    """A path of a package, or in a tree: what ls(1) says of kind and mode, and its owner as uid/gid or by name."""

    mode: str
    owner: str

    @property
    def is_dir(self) -> bool:
        """Tell whether it is a directory."""
        return self.mode.startswith("d")


@dataclass(frozen=True)
class Content:
    """A package that comes or leaves: its paths, those in merged directories so."""

    name: str
    entries: Mapping[PurePosixPath, Entry]

    @property
    def files(self) -> list[PurePosixPath]:
        """Return its paths that are no directories."""
        return [path for path, entry in self.entries.items() if not entry.is_dir]


@dataclass(frozen=True)
class World:
    """The tree: who owns each path, what is at the paths that matter, whom scripts that wait for files belong to.

    `below` are the entries of directories; `scripts` are the texts of those of the packages that stay.
    """

    owners: Mapping[PurePosixPath, frozenset[str]]
    there: Mapping[PurePosixPath, Entry]
    below: Mapping[PurePosixPath, frozenset[PurePosixPath]]
    interests: Sequence[tuple[str, str]]
    special: frozenset[PurePosixPath]
    scripts: str


def seen_by_others(part: Content, world: World, read_by_others: Sequence[str]) -> Iterator[str]:
    """Yield why scripts of other packages, or what they run, may do something else when this one is there.

    `read_by_others` is where programs that they run look for files of any package.
    """
    words, paths = vocabulary(world.scripts)
    for path in part.files:
        if path.parent.name in ("bin", "sbin") and path.name in words:
            yield f"scripts of other packages may run {path} of {part.name}"
        if path in paths or (path.parent in paths and not _common(path.parent)):
            yield f"scripts of other packages may look at {path} of {part.name}"
        if place := next((one for one in read_by_others if path.is_relative_to(one)), None):
            yield f"{part.name} has {path}, and other packages look at {place}"


def _common(directory: PurePosixPath) -> bool:
    return directory in COMMON or _LIBRARIES.fullmatch(str(directory)) is not None


@functools.lru_cache(maxsize=1)
def vocabulary(scripts: str) -> tuple[frozenset[str], frozenset[PurePosixPath]]:
    """Return the words and the absolute paths in scripts, comments left out."""
    code = "\n".join(line for line in scripts.splitlines() if not line.lstrip().startswith("#"))
    paths = {*_PATH.findall(code)}
    merged = {f"/usr{path}" for path in paths if path.startswith(("/bin/", "/sbin/", "/lib"))}
    return frozenset(_WORD.findall(code)), frozenset(map(PurePosixPath, paths | merged))


def clashes(parts: Sequence[Content]) -> Iterator[str]:
    """Yield what two packages bring that come together, each differently."""
    seen: dict[PurePosixPath, tuple[str, Entry]] = {}
    for part in parts:
        for path, entry in part.entries.items():
            other, was = seen.setdefault(path, (part.name, entry))
            if other != part.name and not (entry.is_dir and entry == was):
                yield f"{path} is in both {other} and {part.name}"


def comes(part: Content, old: Content | None, world: World) -> Iterator[str]:
    """Yield what is in the tree where a package puts something; `old` is its version there."""
    before = old.entries if old else {}
    for path, entry in part.entries.items():
        there = world.there.get(path)
        if path in world.special:
            yield f"{path} of {part.name} is diverted, or has another owner here"
        elif there is not None and entry.is_dir and there != entry:
            yield f"{path} is there with another owner or mode than {part.name} gives it"
        elif there is not None and not entry.is_dir and not _mine(path, part, before, world):
            yield f"{path} of {part.name} is there without it"


def _mine(path: PurePosixPath, part: Content, before: Mapping[PurePosixPath, Entry], world: World) -> bool:
    """Tell whether a file in the tree is there because the old version of the same package has brought it."""
    return path in before and not before[path].is_dir and world.owners.get(path, frozenset()) <= {part.name}


def leaves(part: Content, going: set[PurePosixPath], staying: set[PurePosixPath], world: World) -> Iterator[str]:
    """Yield what a package would leave behind, or take from others; `going` and `staying` are paths of all."""
    for path, entry in part.entries.items():
        others = world.owners.get(path, frozenset()) - {part.name}
        if path in world.special:
            yield f"{path} of {part.name} is diverted, or has another owner here"
        elif not entry.is_dir and others:
            yield f"{path} of {part.name} belongs to {min(others)}, too"
        elif entry.is_dir and others and entry not in _PLAIN:
            yield f"{path} is in more packages than {part.name}, and may have got its mode from each"
        elif entry.is_dir and path not in staying and not others:
            yield from (f"{part.name} would leave {one}" for one in sorted(world.below.get(path, frozenset()) - going))


_PLAIN = (Entry("drwxr-xr-x", "0/0"), Entry("drwxrwxrwt", "0/0"))
