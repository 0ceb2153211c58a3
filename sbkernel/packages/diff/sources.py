"""Packages by the source that they are built from: what two distributions share, whatever their packages are called.

Versions of two package formats have no common order, and one source is cut into packages differently. So a manifest
becomes one package a source, and a source that both have is the same or has changed, neither newer nor older.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sbkernel.packages.diff.change import ADDED, CHANGED, DOWNGRADED, REMOVED, UPDATED, PackageChange
from sbkernel.packages.package import Package
from sbkernel.packages.versions import newer

_ALIASES = {
    name: usual
    for usual, others in {
        "kernel": ("linux", "linux-signed", "linux-signed-amd64", "linux-signed-arm64", "linux-meta", "kernel-default",
                   "kernel-source"),
        "bind": ("bind9",),
        "cron": ("cronie", "vixie-cron"),
        "dhcp": ("isc-dhcp",),
        "gnupg": ("gnupg2", "gpg2"),
        "httpd": ("apache2",),
        "iproute": ("iproute2",),
        "kernel-firmware": ("linux-firmware", "firmware-nonfree"),
        "libcap": ("libcap2",),
        "libgpg-error": ("libgpgerror",),
        "lua": ("lua5.3", "lua5.4"),
        "pcre": ("pcre3",),
        "procps": ("procps-ng",),
        "readline": ("readline8",),
        "shadow": ("shadow-utils",),
        "slurm": ("slurm-wlm",),
        "sqlite": ("sqlite3",),
        "xz": ("xz-utils",),
        "zstd": ("libzstd",),
    }.items()
    for name in (usual, *others)
}  # fmt: skip
"""Sources that distributions name differently, by their own names."""


def common_name(source: str) -> str:
    """Return what a source is called whatever the distribution: linux and kernel-default are kernel."""
    return _ALIASES.get(source.lower(), source.lower())


def joined(whole: Iterable[Package]) -> dict[str, Package]:
    """Return one package a source, by its common name: its versions, the sizes of all its packages, no architecture.

    A package that does not tell its source is its own.
    """
    return {name: _joined(members) for name, members in groups(whole).items()}


def groups(whole: Iterable[Package]) -> dict[str, list[Package]]:
    """Return packages by the common name of their source."""
    found: dict[str, list[Package]] = {}
    for package in whole:
        found.setdefault(common_name(package.source or package.name), []).append(package)
    return found


def _joined(members: Sequence[Package]) -> Package:
    largest = max(members, key=lambda package: package.size_bytes)
    source = largest.source or largest.name
    versions = dict.fromkeys(package.source_version or package.version for package in members)
    known = [package.explicit for package in members if package.explicit is not None]
    return Package(
        name=source,
        version=", ".join(sorted(filter(None, versions))),
        arch="",
        family=largest.family,
        size_bytes=sum(package.size_bytes for package in members),
        source=source,
        section=largest.section,
        explicit=any(known) if known else None,
        maintainer=largest.maintainer,
        homepage=largest.homepage,
    )


def changes(a: Iterable[Package], b: Iterable[Package], family: str) -> Iterator[PackageChange]:
    """Yield a row for every source that is not the same on both sides, in no order; no `family` means two of them."""
    old, new = joined(a), joined(b)
    for name in {**old, **new}:
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            yield PackageChange(ADDED if before is None else REMOVED, before, after)
        elif before.version and after.version and before.version != after.version:
            order = newer(family, after.version, before.version) if family else None
            yield PackageChange({1: UPDATED, -1: DOWNGRADED}.get(order or 0, CHANGED), before, after, order or 0)
