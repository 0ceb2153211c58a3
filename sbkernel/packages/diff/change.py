"""The rows of a diff: what each package was, what it is, what that is called, and what the rows add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package

ADDED, REMOVED, UPDATED, DOWNGRADED = "added", "removed", "updated", "downgraded"
REPLACED, ARCH_CHANGED, REBUILT, CHANGED = "replaced", "arch-changed", "rebuilt", "changed"
KINDS = (REMOVED, DOWNGRADED, REPLACED, ARCH_CHANGED, ADDED, UPDATED, REBUILT, CHANGED)
"""Every kind of change; those that deserve a look come first."""

PACKAGE, SOURCE = "package", "source"
BY = (PACKAGE, SOURCE)
"""What packages can be compared by."""

NONE = Package("", "", "")


Known = tuple[bool, bool]
"""Whether the side before and the side after know what packages weigh; a package list does not."""


class PackageChange(NamedTuple):
    """A package that is not the same on both sides; `old` or `new` is None where it is not installed.

    `replaced` has another name on each side, `arch-changed` another architecture, `rebuilt` the same version and
    another size or file, `changed` versions that cannot be ordered. `direction` is 1 for a newer version, -1 for an
    older one, 0 if that is not known. `shared` says that the new package belongs to another row as well, where its size
    is counted. `attention` is the group of the package, such as kernel, or "".
    """

    change: str
    old: Package | None
    new: Package | None
    direction: int = 0
    shared: bool = False
    attention: str = ""

    @property
    def package(self) -> Package:
        """Return the new package, or the old one when it is gone."""
        return self.new or self.old or NONE

    @property
    def name(self) -> str:
        """Return the name as it is now, or was."""
        return self.package.name

    @property
    def names(self) -> str:
        """Return the name, or both when they differ: libssl1.1 -> libssl3."""
        return _both((self.old or self.package).name, self.name)

    @property
    def arch(self) -> str:
        """Return the architecture, or both when they differ: x86_64 -> noarch."""
        return _both((self.old or self.package).arch, self.package.arch)

    @property
    def old_version(self) -> str:
        """Return the version before, "" if there was none."""
        return self.old.version if self.old else ""

    @property
    def new_version(self) -> str:
        """Return the version after, "" if there is none."""
        return self.new.version if self.new else ""

    @property
    def old_size(self) -> int:
        """Return the bytes on disk before."""
        return self.old.size_bytes if self.old else 0

    @property
    def new_size(self) -> int:
        """Return the bytes on disk after; 0 when they are counted in another row."""
        return self.new.size_bytes if self.new and not self.shared else 0

    @property
    def delta(self) -> int:
        """Return by how many bytes it grew."""
        return self.new_size - self.old_size

    def sizes(self, known: Known) -> tuple[int | None, int | None, int | None]:
        """Return the bytes before, those after, and the growth; None where a side that has the package does not know.

        What is not installed weighs nothing: an added package has a size also when only the side after knows sizes.
        """
        old = self.old_size if known[0] or self.old is None else None
        new = self.new_size if known[1] or self.new is None else None
        return old, new, None if old is None or new is None else new - old

    @property
    def section(self) -> str:
        """Return the section."""
        return self.package.section

    @property
    def reason(self) -> str:
        """Return explicit, dependency, or "" if that is not known."""
        explicit = self.package.explicit
        return "" if explicit is None else "explicit" if explicit else "dependency"

    def __str__(self) -> str:
        """Return the row in words: libc6 2.36-9 -> 2.36-10."""
        return f"{self.names} {_both(self.old_version, self.new_version)}".rstrip()


@dataclass(frozen=True, repr=False)
class Changes:
    """The rows between two manifests, and their sums."""

    a: Manifest
    b: Manifest
    rows: tuple[PackageChange, ...]
    by: str = field(default=PACKAGE, kw_only=True)
    """What a row stands for: a package, or all packages of one source."""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[PackageChange]:
        return iter(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each kind that occurs."""
        found = Counter(row.change for row in self.rows)
        return {kind: found[kind] for kind in KINDS if found[kind]}

    @property
    def sized(self) -> bool:
        """Tell whether both sides know what packages weigh; a package list does not."""
        return all(self.known)

    @property
    def known(self) -> Known:
        """Tell for each side whether it knows what packages weigh."""
        return (self.a.size_bytes > 0 or not len(self.a), self.b.size_bytes > 0 or not len(self.b))

    @property
    def delta_bytes(self) -> int:
        """Return by how many bytes the packages grew on disk; 0 when one side does not know."""
        return sum(row.delta for row in self.rows) if self.sized else 0

    @property
    def moved(self) -> dict[str, tuple[PackageChange, ...]]:
        """Return the rows that deserve attention, by group."""
        found: dict[str, tuple[PackageChange, ...]] = {}
        for row in self.rows:
            if row.attention:
                found[row.attention] = (*found.get(row.attention, ()), row)
        return found


def _both(old: str, new: str) -> str:
    return f"{old} -> {new}" if old and new and old != new else new or old
