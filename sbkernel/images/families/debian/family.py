"""Debian and its kin as a family: which releases there are, what its lists may say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from sbkernel.errors import DefinitionError
from sbkernel.images.families.debian import configuration
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.chosen import chosen
from sbkernel.images.families.debian.download import downloads
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.debian.media import DebianMedia
from sbkernel.images.families.debian.releases import DebianRelease, release_of
from sbkernel.images.families.debian.remarks import remarks, wrong_entries
from sbkernel.images.families.package_manager import Boots, PackagePass, Request
from sbkernel.images.families.passes import AskedFor, asked_for
from sbkernel.lists.diagnostic import Diagnostic, shown
from sbkernel.packages.readers.deb.dpkg import DEB
from sbkernel.site import Site


class DebianFamily:
    """apt and dpkg."""

    name = DEB
    programs = ("apt-get", "dpkg", "mmdebstrap")
    databases = ("var/lib/dpkg", "var/lib/apt", "var/lib/systemd/deb-systemd-helper-enabled")
    state = "apt"
    media = DebianMedia()

    def boots(self, osvers: str, osarch: str) -> Boots:
        """Return the package that depends on the newest kernel, and the one that makes systemd init."""
        release = release_of(osvers, osarch)
        kind = "generic" if release.distribution == "ubuntu" else release.architecture
        return Boots(f"linux-image-{kind}", "systemd-sysv")

    def open(self, site: Site, request: Request) -> AptManager:
        """Open the sources that pkgdir names, else those of this host."""
        release = release_of(request.osvers, request.osarch)
        if wrong := next(wrong_entries(request), None):
            raise wrong.line.error(f"'{shown(wrong.name)}' is not a package name of Debian")
        if request.attributes.get("krpmver"):
            raise DefinitionError(
                "krpmver is not for Debian, whose kernels are named after kernelver", hint="clear krpmver"
            )
        sources = chosen(site, request, release)
        preferences = "" if release.unmerged else configuration.PREFERENCES
        return AptManager(
            release,
            sources,
            _asked(request, release),
            Apt.open(site.cache / self.state, sources.all, release.architecture, preferences),
            downloads(site.cache / "packages"),
        )

    def merged(self, osvers: str) -> bool:
        """Tell whether the tree is laid out merged: mmdebstrap does so for all but the oldest."""
        return not release_of(osvers, "x86_64").unmerged

    def remarks(self, request: Request) -> Iterator[Diagnostic]:
        """Yield the names that no package of this family can have, and the lines that do nothing."""
        return remarks(request)


FAMILY = DebianFamily()


def _asked(request: Request, release: DebianRelease) -> AskedFor:
    asked = asked_for(request, as_in_xcat=True)
    fixed = partial(with_kernel, kernelver=request.kernelver, distribution=release.distribution)
    return replace(asked, passes=tuple(map(fixed, asked.passes)))


def with_kernel(one: PackagePass, kernelver: str, distribution: str = "debian") -> PackagePass:
    """Return a pass with its kernel packages replaced by those of a fixed version, as xCAT does for Debian's family."""
    if not kernelver:
        return one
    names = dict.fromkeys(fixed for name in one.packages for fixed in _fixed(name, kernelver, distribution))
    return PackagePass(tuple(names), one.env)


def _fixed(name: str, kernelver: str, distribution: str) -> tuple[str, ...]:
    if distribution == "ubuntu" and name.startswith("linux-image-generic"):
        # What the package without a version brings; drivers of most servers are among the extra modules.
        return f"linux-image-{kernelver}", f"linux-modules-extra-{kernelver}", "linux-firmware"
    prefix = next((p for p in ("linux-image-", "linux-headers-") if name.startswith(p)), None)
    return (f"{prefix}{kernelver}" if prefix else name,)
