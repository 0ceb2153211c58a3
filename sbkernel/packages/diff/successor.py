"""Which package took another's place: one that says so, or one of the same source whose name has other numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sbkernel.packages.package import Package
from sbkernel.packages.versions import sort_key

# libssl1.1 and libssl3, libfoo2 and libfoo2t64, linux-image-6.1.0-9-amd64 and linux-image-6.1.0-10-amd64
_NUMBERS = re.compile(r"t64(?![a-z0-9])|\d+(?:[.+~]\w+)*")
_SIGNS = re.compile(r"[-_.+]+")


class Succession(NamedTuple):
    """A package that is gone and the one in its place; `shared` when that already took another's place, or stayed."""

    old: Package
    new: Package
    shared: bool


def stem(name: str) -> str:
    """Return a name without its numbers: what stays the same when the name carries a version."""
    return _SIGNS.sub("-", _NUMBERS.sub("", name)).strip("-")


def successions(
    removed: Iterable[Package], added: Sequence[Package], merged: Mapping[str, Package], family: str
) -> Iterator[Succession]:
    """Yield who took whose place; `merged` are packages that stayed, by the names that they replace since.

    What the new package says it replaces comes first. Otherwise two packages of one source whose names differ only in
    numbers are the same, the newest of several with the newest.
    """
    takes = {name: package for package in added for name in package.replaces}
    taken: set[Package] = set()
    unclaimed = []
    for package in removed:
        new = takes.get(package.name) or merged.get(package.name)
        if new is None:
            unclaimed.append(package)
        else:
            yield Succession(package, new, new in taken or package.name not in takes)
            taken.add(new)
    yield from _renamed(unclaimed, [package for package in added if package not in taken], family)


def _renamed(removed: Iterable[Package], added: Iterable[Package], family: str) -> Iterator[Succession]:
    new = _by_likeness(added)
    for likeness, old in _by_likeness(removed).items():
        for gone, come in newest_first(old, new.get(likeness, []), family):
            yield Succession(gone, come, shared=False)


def _by_likeness(packages: Iterable[Package]) -> dict[tuple[str, str, str], list[Package]]:
    found: dict[tuple[str, str, str], list[Package]] = {}
    for package in packages:
        if package.source:
            found.setdefault((stem(package.source), stem(package.name), package.arch), []).append(package)
    return found


def newest_first(old: Sequence[Package], new: Sequence[Package], family: str) -> Iterator[tuple[Package, Package]]:
    """Pair packages, the newest with the newest; what is left on one side is dropped."""
    if len(old) == len(new) == 1:
        yield old[0], new[0]
        return
    key = _newest(family)
    yield from zip(sorted(old, key=key, reverse=True), sorted(new, key=key, reverse=True), strict=False)


def _newest(family: str) -> Callable[[Package], Any]:
    order = sort_key(family)

    def key(package: Package) -> Any:
        try:
            return 1, order(package.version), package.name
        except ValueError:
            return 0, package.version, package.name

    return key
