"""What was changed in a tree: files and packages, as values that are shown and kept. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sbkernel.units import plain

Kind = Literal["added", "changed", "removed"]
_MARKS = {"added": "+", "changed": "~", "removed": "-"}
NOISE = (
    "root/.bash_history", "root/.lesshst", "root/.viminfo", "root/.wget-hsts", "root/.ash_history", "root/.cache*",
    "var/cache/*", "var/log/*", "var/tmp/*", "tmp/*", "run/*", "*/__pycache__*", "etc/ld.so.cache", "etc/.pwd.lock",
)  # fmt: skip
"""What programs leave behind; as patterns of paths, below which all is left out, too."""
SHOWN = 40


@dataclass(frozen=True)
class FileChange:
    """One path that is not what it was: what it is now, in numbers and text as stat(2) has them.

    `type` is file, directory, link, fifo or device; `content` is None for a file that is too large to be kept, or was
    not read since it is what it was. `same` is an earlier path that is the same file. `parts` are what differs.
    """

    path: str
    kind: Kind
    type: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    content: bytes | None = None
    target: str = ""
    device: tuple[int, int] = (0, 0)
    same: str = ""
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the path with a mark before it, and what has changed behind it."""
        how = f"  ({', '.join(self.parts)})" if self.kind == "changed" and self.parts else ""
        return f"{_MARKS[self.kind]} /{plain(self.path)}{how}"


@dataclass(frozen=True)
class PackageChange:
    """A package that came, went, or is there in another version."""

    name: str
    old: str
    new: str

    @property
    def kind(self) -> Kind:
        """Return what has happened to it."""
        return "changed" if self.old and self.new else "added" if self.new else "removed"

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{_MARKS[self.kind]} {self.name} " + " -> ".join(filter(None, [self.old, self.new]))


@dataclass(frozen=True)
class Changes:
    """All that was changed; `of_packages` are the paths that packages that changed have, or had.

    In `databases`, and below them, a package manager writes down what is installed.
    """

    files: tuple[FileChange, ...] = ()
    packages: tuple[PackageChange, ...] = ()
    asked: tuple[str, ...] = ()
    of_packages: frozenset[str] = field(default_factory=frozenset)
    databases: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self.files or self.packages)

    @property
    def kept(self) -> tuple[FileChange, ...]:
        """Return what a script can make again: not what programs leave behind, nor what belongs to packages."""
        return tuple(one for one in self.files if not is_noise(one.path) and not self._is_of_packages(one.path))

    def _is_of_packages(self, path: str) -> bool:
        return bool(self.packages) and (path in self.of_packages or _is_below(path, self.databases))

    @property
    def lines(self) -> tuple[str, ...]:
        """Return what a pkglist would say for the packages: those that came and were asked for, and what must go."""
        came = [one.name for one in self.packages if one.kind == "added"]
        asked = [name for name in came if name in self.asked] or came
        return (*sorted(asked), *sorted(f"-{one.name}" for one in self.packages if one.kind == "removed"))

    def __str__(self) -> str:
        """Return what was changed, line by line."""
        if not self:
            return "nothing was changed"
        rest = self.kept
        left = len(self.files) - len(rest)
        lines = [f"{len(rest)} path{'' if len(rest) == 1 else 's'} changed:"] if rest else []
        lines += [f"  {one}" for one in rest[:SHOWN]]
        lines += [f"  and {len(rest) - SHOWN} more"] if len(rest) > SHOWN else []
        lines += [f"  {left} more of packages, caches and logs, which no script keeps"] if left else []
        lines += ["packages changed:", *(f"  {one}" for one in self.packages)] if self.packages else []
        return "\n".join(lines)


def is_noise(path: str) -> bool:
    """Tell whether a path is one that programs leave behind."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in NOISE)


def _is_below(path: str, directories: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in directories)


def from_data(data: Mapping[str, Any], databases: tuple[str, ...] = ()) -> Changes:
    """Return the changes that the programs in the namespace have written down."""
    files = (FileChange(**{**one, "device": tuple(one.get("device", (0, 0))), "parts": tuple(one.get("parts", ())),
                           "content": None if one.get("content") is None else bytes.fromhex(one["content"])})
             for one in data["files"])  # fmt: skip
    return Changes(
        tuple(sorted(files, key=lambda one: one.path)),
        tuple(PackageChange(*one) for one in data["packages"]),
        tuple(data["asked"]),
        frozenset(data["paths"]),
        databases,
    )
