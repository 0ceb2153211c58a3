"""Distributions of rpm packages as a family: which releases there are, what their lists may say."""

from __future__ import annotations

from collections.abc import Iterator

from sbkernel.images.families.package_manager import Boots, Request
from sbkernel.images.families.rpm.download import downloads
from sbkernel.images.families.rpm.manager import RpmManager
from sbkernel.images.families.rpm.media import RpmMedia
from sbkernel.images.families.rpm.question import question
from sbkernel.images.families.rpm.releases import release_of
from sbkernel.images.families.rpm.remarks import remarks
from sbkernel.images.families.rpm.repositories import repositories
from sbkernel.images.families.rpm.solver import Solver
from sbkernel.images.families.rpm.zypper import ZypperSolver
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.packages.readers.rpm.query import RPM
from sbkernel.packages.readers.rpm.reader import DATABASES
from sbkernel.site import Site

MERGED_SUSE = 16


class RpmFamily:
    """dnf, zypper and rpm."""

    name = RPM
    programs = ("dnf", "rpm", "zypper")
    databases = (*DATABASES, "var/lib/dnf", "usr/lib/sysimage/libdnf5", "etc/dnf/modules.d", "var/lib/zypp")
    state = "dnf"
    media = RpmMedia()

    def boots(self, osvers: str, osarch: str) -> Boots:
        """Return the kernel by its name in the distribution, and systemd."""
        return Boots("kernel-default" if release_of(osvers, osarch).records == "zypp" else "kernel", "systemd")

    def open(self, site: Site, request: Request) -> RpmManager:
        """Find the repositories that pkgdir and otherpkgdir name."""
        release = release_of(request.osvers, request.osarch)
        chosen = repositories(site, request)
        dnf = Solver.open(site.cache / self.state, release, chosen.all)
        return RpmManager(
            request.osvers,
            release,
            chosen,
            question(request, chosen),
            ZypperSolver(dnf) if release.records == "zypp" else dnf,
            downloads(site.cache / "packages"),
        )

    def merged(self, osvers: str) -> bool:
        """Tell whether the release has moved everything below /usr; SLES has with version 16."""
        release = release_of(osvers, "x86_64")
        return release.records != "zypp" or int(release.version) >= MERGED_SUSE

    def remarks(self, request: Request) -> Iterator[Diagnostic]:
        """Yield groups, patterns and modules that the release does not have, and what is asked for but stays out."""
        return remarks(request)


FAMILY = RpmFamily()
