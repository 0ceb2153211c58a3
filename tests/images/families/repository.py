"""What the contract of package managers needs of each family: real packages in a repository, made by the tests."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from debs import index, make_deb, pkgdir
from rpmbase import make_base
from rpms import make_repository, make_rpm

from sbkernel.images.families import family_of
from sbkernel.images.families.debian import records
from sbkernel.images.families.debian.manager import AptManager
from sbkernel.images.families.debian.output import archive_name
from sbkernel.images.families.package_manager import PackageManager, Request
from sbkernel.jobs.report import NullReport
from sbkernel.lists import pkglist
from sbkernel.site import Site


@dataclass
class DebianRepository:
    """A directory of small packages beside one of the base system."""

    place: Path
    base: Path
    osvers: str = "debian12"
    osarch: str = "x86_64"
    unknown: str = "own-tol"
    near: str = "own-tool"
    made: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def make_base(site: Site, place: Path) -> None:
        """Copy the base system from the host's own mirror, so that every test need not ask it."""
        attributes = {"osvers": "debian12", "osarch": "x86_64", "pkgdir": pkgdir(place)}
        index(place)
        manager = family_of("debian12").open(site, Request(attributes, pkglist.parse("")))
        assert isinstance(manager, AptManager)
        resolution = manager.resolve(NullReport())
        manager.fetch(resolution, NullReport())
        for package in resolution.packages:
            (place / archive_name(package)).hardlink_to(manager.downloads.path(package))
        (place / "Packages").write_text(records.index(resolution.packages, archive_name))

    def add(self, name: str, version: str = "1.0", *, needs: str = "", content: str = "x") -> None:
        """Put a package into the repository; one of the same name stays if its version is another."""
        fields = {"Depends": needs} if needs else {}
        make_deb(self.place, name, {f"usr/share/{name}": content}, Version=version, **fields)
        index(self.place)

    def remove(self, name: str) -> None:
        """Take a package out of the repository."""
        for file in self.place.glob(f"{name}_*.deb"):
            file.unlink()
        shutil.rmtree(self.place / f".{name}", ignore_errors=True)
        index(self.place)

    def open(self, site: Site, text: str) -> PackageManager:
        """Open the package manager for a package list."""
        attributes = {"osvers": self.osvers, "osarch": self.osarch, "pkgdir": f"{self.base},{self.place}"}
        request = Request(attributes, pkglist.parse(text))
        return family_of(self.osvers).open(site, request)


@dataclass
class RpmRepository:
    """A directory of small packages beside one of a base system."""

    place: Path
    base: Path
    osvers: str = "rocky9.4"
    osarch: str = "x86_64"
    unknown: str = "own-tol"
    near: str = "own-tool"

    @staticmethod
    def make_base(site: Site, place: Path) -> None:
        """Make the base system."""
        make_base(place)

    def add(self, name: str, version: str = "1.0", *, needs: str = "", content: str = "x") -> None:
        """Put a package into the repository; one of the same name stays if its version is another."""
        requires = "".join(f"Requires: {one}\n" for one in ("small-base", needs) if one)
        make_rpm(self.place, name, f"{version}-1", "noarch", more=requires, files={f"usr/share/{name}": content})
        make_repository(self.place)

    def remove(self, name: str) -> None:
        """Take a package out of the repository."""
        for file in self.place.glob(f"noarch/{name}-[0-9]*.rpm"):
            file.unlink()
        make_repository(self.place)

    def open(self, site: Site, text: str) -> PackageManager:
        """Open the package manager for a package list."""
        attributes = {"osvers": self.osvers, "osarch": self.osarch, "pkgdir": f"{self.base},{self.place}"}
        return family_of(self.osvers).open(site, Request(attributes, pkglist.parse(text)))


@dataclass
class SuseRepository(RpmRepository):
    """The same for a distribution with zypper."""

    osvers: str = "sles15.6"


REPOSITORIES = {"debian": DebianRepository, "dnf": RpmRepository, "zypper": SuseRepository}
