"""What the lists of an image ask of a solver: names in the spelling of dnf, what is left out, the environment. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.passes import AskedFor, asked_for
from sbkernel.images.families.rpm.repositories import Repositories

KERNELS = frozenset(
    f"kernel{part}" for part in ("", "-core", "-modules", "-modules-core", "-modules-extra", "-headers", "-devel",
                                 "-tools", "-tools-libs", "-bootwrapper", "-default", "-default-devel")
)  # fmt: skip
"""Packages that a fixed kernel version is put behind (xCAT: genimage -k)."""

_VERSION = re.compile(r"[^\s=<>@/]+=[^\s=<>]+")


@dataclass(frozen=True)
class Question:
    """What the lists ask, each name with what dnf is asked for it, and those that come from certain repositories."""

    lists: AskedFor
    specs: Mapping[str, str]
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    shut_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Versions by name that do not count, as if no repository had them."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names as the lists have them, each once."""
        return tuple(self.specs)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return names and patterns of what must not come."""
        return self.lists.left_out

    @property
    def removed(self) -> tuple[str, ...]:
        """Return names and patterns of what leaves the tree at the end."""
        return self.lists.removed

    @property
    def passes(self) -> list[list[str]]:
        """Return what dnf is asked for in each pass."""
        return [[self.specs[name] for name in one.packages] for one in self.lists.passes]

    @property
    def env(self) -> tuple[tuple[str, str], ...]:
        """Return the environment of all passes."""
        return tuple(sorted({key: value for one in self.lists.passes for key, value in one.env}.items()))


def question(request: Request, repositories: Repositories) -> Question:
    """Return what an osimage asks.

    All passes are solved as one. What is left out does not come in, neither by its own name nor by a group; a package
    that needs it cannot come either.
    """
    lists = asked_for(request, as_in_xcat=False)
    version = request.attributes.get("krpmver") or request.kernelver
    specs = {name: spec_of(name, version) for name in lists.names}
    sources = {name: repositories.named(directory) for name, directory in lists.places if name in specs}
    return Question(lists, specs, {name: found for name, found in sources.items() if found})


def spec_of(name: str, kernelver: str = "") -> str:
    """Return how dnf spells a name: name=version is name-version, a kernel gets the version that is fixed.

    @^environment is how kickstart files tell an environment from a group; dnf looks among both. They may also have a
    blank behind the @.
    """
    if name.startswith("@"):
        return f"@{name.lstrip('@^ ')}"
    if _VERSION.fullmatch(name):
        return name.replace("=", "-", 1)
    return f"{name}-{kernelver}" if kernelver and name in KERNELS else name
