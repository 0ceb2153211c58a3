"""What a package list would install: packages, sizes, and which of them pulled which in. Values only."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from sbkernel.images.families.package_manager import Candidate
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package

if TYPE_CHECKING:
    import pandas as pd

Why = Literal["asked", "base", "dependency"]


class Chosen(NamedTuple):
    """One package of a resolution; `needed_by` are the names of those that need it, the one that pulled it in first."""

    package: Package
    download_bytes: int
    why: Why
    needed_by: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class ListResolution:
    """What the lists of an osimage would install now.

    `unknown` names the packages that no source has, with the place in the list and names like them; the others are
    resolved without them. `offline` says that the package lists are from the last time.
    """

    image: str
    packages: tuple[Chosen, ...]
    unknown: tuple[Diagnostic, ...] = ()
    offline: bool = False

    def __len__(self) -> int:
        return len(self.packages)

    @property
    def download_bytes(self) -> int:
        """Return what all package files weigh."""
        return sum(one.download_bytes for one in self.packages)

    @property
    def installed_bytes(self) -> int:
        """Return what all packages take on disk."""
        return sum(one.package.size_bytes for one in self.packages)

    @property
    def manifest(self) -> Manifest:
        """Return the packages as a manifest, to be compared with one of an image or a node."""
        return manifest((one.package for one in self.packages), name=self.image, kind="list")

    def why(self, name: str) -> tuple[str, ...]:
        """Return the chain that leads to a package, from one that was asked for; empty when it is not among them."""
        known = {one.package.name: one for one in reversed(self.packages)}
        chain: list[str] = []
        while name in known and name not in chain:
            chain.append(name)
            name = known[name].needed_by[0] if known[name].why == "dependency" and known[name].needed_by else ""
        return tuple(reversed(chain))

    @property
    def df(self) -> pd.DataFrame:
        """Return a DataFrame: name, version, arch, why, needed_by, section, download and size in bytes."""
        import pandas as pd

        columns = ["name", "version", "arch", "why", "needed_by", "section", "download", "size"]
        return pd.DataFrame([_row(one) for one in self.packages], columns=columns)


def _row(one: Chosen) -> tuple[object, ...]:
    package = one.package
    needed_by = ", ".join(one.needed_by)
    return (package.name, package.version, package.arch, one.why, needed_by, package.section,
            one.download_bytes, package.size_bytes)  # fmt: skip


def explained(candidates: Sequence[Candidate], asked: Iterable[str]) -> tuple[Chosen, ...]:
    """Return why each candidate is among them; `asked` are the names of the list, in its order.

    A package is base when a base package needs it, directly or not; of several that need a dependency, the one that
    is fewest steps away from a name of the list pulled it in.
    """
    wanted = list(dict.fromkeys(asked))
    needs = {one.package.name: one.needs for one in candidates}
    base = _reached([one.package.name for one in candidates if one.base], needs)
    pulled = _reached(wanted, needs)
    needed_by: dict[str, list[str]] = {}
    for one in candidates:
        for name in one.needs:
            needed_by.setdefault(name, []).append(one.package.name)
    return tuple(_chosen(one, set(wanted), base, pulled, needed_by) for one in candidates)


def _chosen(
    one: Candidate,
    wanted: set[str],
    base: Mapping[str, str],
    pulled: Mapping[str, str],
    needed_by: Mapping[str, Sequence[str]],
) -> Chosen:
    name = one.package.name
    why: Why = "asked" if name in wanted else "base" if name in base else "dependency"
    first = [pulled[name]] if pulled.get(name) else []
    others = dict.fromkeys([*first, *sorted(set(needed_by.get(name, ())) - {name})])
    return Chosen(one.package._replace(explicit=why == "asked"), one.download_bytes, why, tuple(others))


def _reached(start: Iterable[str], needs: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return every name that can be reached, and from which the shortest way comes ("" for the start)."""
    found = {name: "" for name in start if name in needs}
    queue = deque(found)
    while queue:
        name = queue.popleft()
        for other in needs[name]:
            if other in needs and other not in found:
                found[other] = name
                queue.append(other)
    return found
