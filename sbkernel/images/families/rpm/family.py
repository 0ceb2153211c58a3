"""Distributions of rpm packages as a family: what is asked of dnf, and how their trees are read."""

from __future__ import annotations

from pathlib import Path

from sbkernel.images.families.package_manager import Installed, Recorded, Request
from sbkernel.images.families.rpm.installed import WANTED, database_time, installed
from sbkernel.images.families.rpm.manager import DnfManager
from sbkernel.images.families.rpm.sources import question
from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.lists.pkglist import Pkglist
from sbkernel.site import Site


class RpmFamily:
    """dnf and rpm."""

    name = "rpm"
    wanted = WANTED

    def open(self, site: Site, request: Request) -> DnfManager:
        """Find the repositories that pkgdir and otherpkgdir name."""
        asked = question(request.attributes, request.pkglist.packages, request.otherpkglist.packages)
        return DnfManager(request.osvers, asked, site.cache / "dnf")

    def remarks(self, pkglist: Pkglist) -> list[Diagnostic]:  # noqa: ARG002
        """Return nothing: names, groups and patterns of dnf take any form."""
        return []

    def installed(self, tree: Path, recorded: Recorded) -> Installed | None:
        """Return what rpm's database says."""
        return installed(tree, recorded)

    def database_time(self, tree: Path) -> int | None:
        """Return when rpm wrote its database last."""
        return database_time(tree)


FAMILY = RpmFamily()
