"""Debian and its kin as a family: which releases there are, what its lists may say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sbkernel.errors import DefinitionError
from sbkernel.images.families.debian import sources
from sbkernel.images.families.debian.apt import Apt, host_sources
from sbkernel.images.families.debian.download import downloads
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.debian.releases import DebianRelease, release_of
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.package_manager import PackagePass, Request
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.lists.pkglist import Pkglist
from sbkernel.packages.readers.deb.dpkg import DEB
from sbkernel.site import Site

PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?")
"""A package that apt can be asked for (deb-control(5)); what its command line takes beyond that would surprise."""


class DebianFamily:
    """apt and dpkg."""

    name = DEB

    def open(self, site: Site, request: Request) -> AptManager:
        """Open the sources that pkgdir names, else those of this host."""
        release = release_of(request.osvers, request.osarch)
        if request.attributes.get("otherpkglist"):
            raise DefinitionError(
                "otherpkglist is not supported yet",
                hint="name those packages in the pkglist, and their repository in pkgdir",
            )
        chosen = _sources(request.attributes.get("pkgdir", ""), release)
        return AptManager(
            release,
            chosen,
            _passes(request.pkglist, request.kernelver),
            Apt.open(site.cache / "apt", chosen, release.architecture),
            downloads(site.cache / "packages"),
        )

    def remarks(self, pkglist: Pkglist) -> Iterator[Diagnostic]:
        """Yield the names that no package of this family can have."""
        for entry in pkglist.entries:
            if entry.kind == "install" and not PACKAGE.fullmatch(entry.name):
                remedy = (
                    "apt knows no groups: name the packages." if entry.name.startswith("@") else "Correct the name."
                )
                yield entry.note("error", f"'{shown(entry.name)}' is not a package name of Debian", remedy)


FAMILY = DebianFamily()


def _sources(pkgdir: str, release: DebianRelease) -> tuple[AptSource, ...]:
    if pkgdir:
        chosen: Sequence[AptSource] = sources.from_pkgdir(pkgdir)
    else:
        chosen = sources.for_release(host_sources(), release.codename, release.architecture)
    return tuple(map(sources.by_copy, chosen))


def _passes(pkglist: Pkglist, kernelver: str) -> tuple[PackagePass, ...]:
    for name in pkglist.packages:
        if not PACKAGE.fullmatch(name):
            problem = f"'{name}' is not a package name of Debian"
            found = pkglist.listed(name)
            raise found.line.error(problem) if found else DefinitionError(problem)
    loaded = (PackagePass(one.packages, tuple(sorted(one.env.items()))) for one in pkglist.passes)
    return tuple(with_kernel(one, kernelver) for one in loaded if one.packages)


def with_kernel(one: PackagePass, kernelver: str) -> PackagePass:
    """Return a pass with its kernel packages replaced by those of a fixed version, as xCAT does for Debian's family."""
    if not kernelver:
        return one
    names = dict.fromkeys(_fixed(name, kernelver) for name in one.packages)
    return PackagePass(tuple(names), one.env)


def _fixed(name: str, kernelver: str) -> str:
    prefix = next((p for p in ("linux-image-", "linux-headers-") if name.startswith(p)), None)
    return f"{prefix}{kernelver}" if prefix else name
