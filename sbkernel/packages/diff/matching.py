"""Which package of one manifest became which of another. Pure.

First what is the same, then the same name and architecture, then the same name, then another name in its place; what
is left was removed or added.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

from sbkernel.packages.diff.change import (
    ADDED,
    ARCH_CHANGED,
    CHANGED,
    DOWNGRADED,
    REBUILT,
    REMOVED,
    REPLACED,
    UPDATED,
    PackageChange,
)
from sbkernel.packages.diff.successor import newest_first, successions
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.package import Package
from sbkernel.packages.readers import EVERYWHERE
from sbkernel.packages.versions import newer

Id = tuple[str, str, str]
Packages = Sequence[Package]


def changes(a: Manifest, b: Manifest, family: str) -> Iterator[PackageChange]:
    """Yield a row for every package that is not the same in both manifests, in no order."""
    old, new = _by_id(a), _by_id(b)
    gone = [package for key, package in old.items() if key not in new]
    come = [package for key, package in new.items() if key not in old]
    yield from _rebuilt(old, new)
    yield from _moves(*_without_loose(gone, come, a, b), family)


def _by_id(manifest: Manifest) -> dict[Id, Package]:
    return {package[:3]: package for package in manifest.packages}


def _rebuilt(old: Mapping[Id, Package], new: Mapping[Id, Package]) -> Iterator[PackageChange]:
    for key, before in old.items():
        after = new.get(key)
        if after is not None and _other_file(before, after):
            yield PackageChange(REBUILT, before, after)


def _other_file(before: Package, after: Package) -> bool:
    if before.sha256 and after.sha256:
        return before.sha256 != after.sha256
    return before.size_bytes != after.size_bytes and bool(before.size_bytes and after.size_bytes)


def _without_loose(gone: Packages, come: Packages, a: Manifest, b: Manifest) -> tuple[Packages, Packages]:
    """Leave out what is the same as far as is known: a name without a version, a version without an architecture."""
    loose = [package for package in (*gone, *come) if not package.version or not package.arch]
    if not loose:
        return gone, come
    names, bare = {package.name for package in loose}, {package.name for package in loose if not package.version}

    def known(package: Package) -> tuple[str, str]:
        return package.name, "" if package.name in bare else package.version

    same = set.intersection(*({known(one) for one in side if one.name in names} for side in (a, b)))
    return [one for one in gone if known(one) not in same], [one for one in come if known(one) not in same]


def _moves(gone: Packages, come: Packages, family: str) -> Iterator[PackageChange]:
    by_key, gone, come = _matched(gone, come, lambda package: package.key, family)
    by_name, gone, come = _matched(gone, come, lambda package: package.name, family)
    moved = [*by_key, *by_name]
    moved += _into_any(gone, moved, family)
    gone = _without(gone, (change.old for change in moved))
    replaced = [
        PackageChange(REPLACED, old, new, _direction_of_sources(old, new, family), shared)
        for old, new, shared in successions(gone, come, _merged(moved), family)
    ]
    yield from moved
    yield from replaced
    yield from (PackageChange(REMOVED, old, None) for old in _without(gone, (change.old for change in replaced)))
    yield from (PackageChange(ADDED, None, new) for new in _without(come, (change.new for change in replaced)))


def _matched(
    gone: Packages, come: Packages, key: Callable[[Package], Hashable], family: str
) -> tuple[list[PackageChange], Packages, Packages]:
    """Return the moves between packages with one key, and what is left over on both sides."""
    after = _grouped(come, key)
    pairs = (
        pair
        for shared, before in _grouped(gone, key).items()
        if shared in after
        for pair in newest_first(before, after[shared], family)
    )
    found = [_move(old, new, family) for old, new in pairs]
    return found, _without(gone, (one.old for one in found)), _without(come, (one.new for one in found))


def _grouped(packages: Packages, key: Callable[[Package], Hashable]) -> dict[Hashable, list[Package]]:
    groups: dict[Hashable, list[Package]] = {}
    for package in packages:
        groups.setdefault(key(package), []).append(package)
    return groups


def _without(packages: Packages, taken: Iterable[Package | None]) -> Packages:
    keys = {package[:3] for package in taken if package is not None}
    return [package for package in packages if package[:3] not in keys] if keys else packages


def _into_any(gone: Packages, moved: Sequence[PackageChange], family: str) -> list[PackageChange]:
    """Return the moves of other architectures of a package into the one for all machines."""
    universal = {change.new.name: change.new for change in moved if change.new and change.new.arch in EVERYWHERE}
    return [
        _move(package, universal[package.name], family)._replace(shared=True)
        for package in gone
        if package.name in universal and package.arch not in EVERYWHERE
    ]


def _move(old: Package, new: Package, family: str) -> PackageChange:
    order = newer(family, new.version, old.version)
    if old.arch and new.arch and old.arch != new.arch:
        return PackageChange(ARCH_CHANGED, old, new, order or 0)
    return PackageChange({None: CHANGED, -1: DOWNGRADED}.get(order, UPDATED), old, new, order or 0)


def _direction_of_sources(old: Package, new: Package, family: str) -> int:
    """Return which way a replacement went: only versions of one source can be compared, 6.1.0-9 and 6.1.0-10."""
    if not old.source_version or old.source != new.source:
        return 0
    return newer(family, new.source_version, old.source_version) or 0


def _merged(moved: Iterable[PackageChange]) -> dict[str, Package]:
    """Return the packages that stayed, by the names that they replace since; old manifests do not say."""
    return {
        name: change.new
        for change in moved
        if change.old and change.new and change.old.source
        for name in change.new.replaces
        if name not in change.old.replaces
    }
