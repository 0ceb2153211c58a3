"""What the lists of an image ask of a solver: names in the spelling of dnf, what is left out, the environment. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sbkernel.images.families.package_manager import Request
from sbkernel.lists import otherpkglist
from sbkernel.lists.pkglist import Pkglist

KERNELS = frozenset(
    f"kernel{part}" for part in ("", "-core", "-modules", "-modules-core", "-modules-extra", "-headers", "-devel",
                                 "-tools", "-tools-libs", "-bootwrapper", "-default", "-default-devel")
)  # fmt: skip
"""Packages that a fixed kernel version is put behind (xCAT: genimage -k)."""

_VERSION = re.compile(r"[^\s=<>@/]+=[^\s=<>]+")


@dataclass(frozen=True)
class Question:
    """Names asked for, each with what dnf is asked for it; names that must not come; environment of the packages."""

    specs: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names as the lists have them, each once."""
        return tuple(self.specs)


def question(request: Request) -> Question:
    """Return what an osimage asks.

    All passes are one: a tree that does not exist yet is filled at once. What a list removes, before or after, does not
    come in, neither by its own name nor by a group; a package that needs it cannot come either.
    """
    asked = [*request.pkglist.packages, *(_placed(name) for name in request.otherpkglist.packages)]
    removed = (_placed(name) for name in _removed([request.pkglist, request.otherpkglist]))
    left_out = tuple(dict.fromkeys(removed))
    wanted = (name for name in asked if not any(fnmatch.fnmatchcase(name, one) for one in left_out))
    env = {key: value for one in _passes(request) for key, value in one.items()}
    return Question({name: spec_of(name, request.kernelver) for name in wanted}, left_out, tuple(sorted(env.items())))


def spec_of(name: str, kernelver: str = "") -> str:
    """Return how dnf spells a name: name=version is name-version, a kernel gets the version that is fixed.

    @^environment is how kickstart files tell an environment from a group; dnf looks among both.
    """
    if name.startswith("@^"):
        return f"@{name[2:]}"
    if _VERSION.fullmatch(name):
        return name.replace("=", "-", 1)
    return f"{name}-{kernelver}" if kernelver and name in KERNELS else name


def _placed(name: str) -> str:
    return otherpkglist.placed(name).name


def _removed(lists: Iterable[Pkglist]) -> Iterable[str]:
    return (name for parsed in lists for one in parsed.passes for name in one.remove)


def _passes(request: Request) -> Iterable[Mapping[str, str]]:
    return (one.env for parsed in (request.pkglist, request.otherpkglist) for one in parsed.passes)
