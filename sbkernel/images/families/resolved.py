"""What sources answered: exact packages, what they stand on, what turns those of one tree into others, what is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sbkernel.errors import BuildError
from sbkernel.units import shortened


@dataclass(frozen=True, order=True)
class Resolved:
    """One resolved package: exactly this version for this architecture, `size` bytes of exactly this content.

    `sha256` may be a longer sum of the same kind, where a repository has no other. `record` is what the index of its
    repository says of it, in the family's own format, as whole lines. No password is in its address.
    """

    name: str
    version: str
    architecture: str
    size: int
    sha256: str
    uri: str = field(default="", compare=False)
    repository: str = field(default="", compare=False)
    record: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        """Return name=version:architecture."""
        return f"{self.name}={self.version}:{self.architecture}"


_DIGITS = 12


class Container(NamedTuple):
    """A container image as its reference was resolved: exactly the one whose manifest has this digest (sha256:…)."""

    reference: str
    digest: str

    def __str__(self) -> str:
        """Return the reference, with the beginning of the digest."""
        return f"{self.reference}@{self.digest[: len('sha256:') + _DIGITS]}"


@dataclass(frozen=True)
class Base:
    """A tree that packages are added to, what tells it from all others, and when it was made (seconds)."""

    tree: Path
    digest: str
    epoch: int = 0


@dataclass(frozen=True)
class Resolution:
    """The solver's answer: exact packages, sorted, and whether the mirrors could not be asked.

    Those in `removed` are among them: they are installed with the others, and leave the tree at the end. Where there
    is a `container`, the packages are those that come on top of it, or replace some of it. `untold` says, where
    updates for security were asked for, which sources tell of none, and which updates they tell of and do not have.
    """

    packages: tuple[Resolved, ...]
    offline: bool = False
    removed: tuple[Resolved, ...] = ()
    container: Container | None = None
    untold: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[Resolved, ...]:
        """Return what the finished tree holds."""
        return tuple(package for package in self.packages if package not in self.removed)

    @property
    def size(self) -> int:
        """Return what all package files weigh, in bytes."""
        return sum(package.size for package in self.packages)


_MARKS = 8


@dataclass(frozen=True)
class Change:
    """What turns the packages of one tree into the wanted ones.

    `coming` is new or has another version or content; `leaving` are the same of the old ones, as name=version:arch.
    `now_asked` and `not_asked` are names of packages in both that the lists ask for in one of them alone.
    """

    coming: tuple[Resolved, ...]
    leaving: tuple[str, ...]
    now_asked: frozenset[str] = frozenset()
    not_asked: frozenset[str] = frozenset()
    old_epoch: int = 0

    @property
    def leaving_names(self) -> frozenset[str]:
        """Return the names of what leaves, in whatever version."""
        return frozenset(map(_name_of, self.leaving))

    @property
    def updated(self) -> frozenset[str]:
        """Return the names of what is there before and after, in another version."""
        return self.leaving_names & {one.name for one in self.coming}

    @property
    def gone(self) -> frozenset[str]:
        """Return the names of what is not there any more."""
        return self.leaving_names - self.updated

    def __str__(self) -> str:
        """Return what comes (+), what leaves (-) and what is replaced (~), in one line."""
        new = [f"+ {one.name}" for one in self.coming if one.name not in self.updated]
        marks = [*new, *(f"- {name}" for name in sorted(self.gone)), *(f"~ {name}" for name in sorted(self.updated))]
        return ", ".join(shortened(marks, _MARKS)) or "the same packages"


def _name_of(package: str) -> str:
    return package.partition("=")[0]


class GoneError(BuildError):
    """A source no longer has exactly the package that was resolved."""

    def __init__(self, package: Resolved, said: str) -> None:
        problem = f"the source no longer has exactly the package that was resolved: {package}"
        super().__init__(
            f"{problem}\n{said}".rstrip(),
            hint="its repository has changed meanwhile, or cannot be reached: run it again to resolve anew",
        )
        self.package = package
        self.said = said


class NotFetchedError(BuildError):
    """A package that has to be looked into is not in the cache yet."""

    def __init__(self, package: Resolved) -> None:
        super().__init__(f"{package.name} is not downloaded yet")
