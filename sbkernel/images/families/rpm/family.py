"""Distributions of rpm packages as a family: what is asked of dnf."""

from __future__ import annotations

from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.rpm.manager import DnfManager
from sbkernel.images.families.rpm.sources import question
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.lists.pkglist import Pkglist
from sbkernel.packages.readers.rpm.query import RPM
from sbkernel.site import Site


class RpmFamily:
    """dnf and rpm."""

    name = RPM

    def open(self, site: Site, request: Request) -> DnfManager:
        """Find the repositories that pkgdir and otherpkgdir name."""
        asked = question(request.attributes, request.pkglist.packages, request.otherpkglist.packages)
        return DnfManager(request.osvers, asked, site.cache / "dnf")

    def remarks(self, pkglist: Pkglist) -> list[Diagnostic]:  # noqa: ARG002
        """Return nothing: names, groups and patterns of dnf take any form."""
        return []


FAMILY = RpmFamily()
