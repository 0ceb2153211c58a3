"""What the contract of package managers needs of each family: real packages in a repository, made by the tests."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from containers import TAG, bootable, make_container
from debs import copy_base, index, make_deb
from rpmbase import make_base
from rpms import make_repository, make_rpm

from sbkernel.images.families import open_manager
from sbkernel.images.families.package_manager import PackageManager, Request
from sbkernel.jobs.report import NullReport
from sbkernel.lists import otherpkglist, pkglist
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

    @staticmethod
    def make_base(site: Site, place: Path) -> None:
        """Copy the base system from the host's own mirror, so that every test need not ask it."""
        copy_base(site, place)

    def add(self, name: str, version: str = "1.0", *, needs: str = "", content: str = "x") -> None:
        """Put a package into the repository; one of the same name stays if its version is another."""
        self.make(self.place, name, version, needs=needs, content=content)
        index(self.place)

    def make(
        self, place: Path, name: str, version: str = "1.0", *, needs: str = "", content: str = "x", script: str = ""
    ) -> None:
        """Make a package in a directory that nobody indexes; the shell script runs when it has been installed."""
        fields = {"Depends": needs} if needs else {}
        scripts = {"DEBIAN/postinst": f"#!/bin/sh\n{script}\n"} if script else {}
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            make_deb(Path(work), name, {f"usr/share/{name}": content, **scripts}, Version=version, **fields)
            for file in Path(work).glob("*.deb"):
                shutil.move(file, place / file.name)

    def remove(self, name: str) -> None:
        """Take a package out of the repository."""
        for file in self.place.glob(f"{name}_*.deb"):
            file.unlink()
        index(self.place)

    def open(self, site: Site, text: str, other: str = "", otherpkgdir: str = "") -> PackageManager:
        """Open the package manager for a package list, and one of the site's own packages."""
        return opened(self, site, text, other, otherpkgdir)


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
        self.make(self.place, name, version, needs=needs, content=content)
        make_repository(self.place)

    def make(
        self, place: Path, name: str, version: str = "1.0", *, needs: str = "", content: str = "x", script: str = ""
    ) -> None:
        """Make a package in a directory that nobody indexes; the shell script runs when it has been installed."""
        requires = "".join(f"Requires: {one}\n" for one in ("small-base", needs) if one)
        post = f"%post\n{script}\n" if script else ""
        files = {f"usr/share/{name}": content}
        with tempfile.TemporaryDirectory() as work:
            made = make_rpm(Path(work), name, f"{version}-1", "noarch", more=requires, files=files, scripts=post)
            (place / "noarch").mkdir(parents=True, exist_ok=True)
            shutil.move(made, place / "noarch" / made.name)

    def remove(self, name: str) -> None:
        """Take a package out of the repository."""
        for file in self.place.glob(f"noarch/{name}-[0-9]*.rpm"):
            file.unlink()
        make_repository(self.place)

    def open(self, site: Site, text: str, other: str = "", otherpkgdir: str = "") -> PackageManager:
        """Open the package manager for a package list, and one of the site's own packages."""
        return opened(self, site, text, other, otherpkgdir)


@dataclass
class SuseRepository(RpmRepository):
    """The same for a distribution with zypper."""

    osvers: str = "sles15.6"


@dataclass
class DebianContainer(DebianRepository):
    """The same beside a container that the base system is in."""

    @staticmethod
    def make_base(site: Site, place: Path) -> None:
        """Make a container of the base system."""
        _contain(DebianRepository, site, place, "")


@dataclass
class RpmContainer(RpmRepository):
    """The same for a container of an rpm distribution."""

    @staticmethod
    def make_base(site: Site, place: Path) -> None:
        """Make a container of the base system."""
        _contain(RpmRepository, site, place, "small-base\n")


def _contain(kind: type[DebianRepository | RpmRepository], site: Site, place: Path, text: str) -> None:
    """Make a container of a base system, which is no repository any more then."""
    packages = place / "packages"
    packages.mkdir()
    kind.make_base(site, packages)
    manager = kind(packages, packages).open(site, text)
    resolution = manager.resolve(NullReport())
    manager.fetch(resolution, NullReport())
    (place / "layer").mkdir()
    manager.install(resolution, tree := place / "layer/tree", NullReport())
    make_container(bootable(tree), place / "container")


def opened(
    repository: DebianRepository | RpmRepository, site: Site, text: str, other: str, otherpkgdir: str
) -> PackageManager:
    """Open the package manager of a repository and its base."""
    base = f"oci:{container}:{TAG}" if (container := repository.base / "container").exists() else str(repository.base)
    attributes = {
        "osvers": repository.osvers, "osarch": repository.osarch, "pkgdir": f"{base},{repository.place}",
        "otherpkgdir": otherpkgdir,
    }  # fmt: skip
    request = Request(attributes, pkglist.parse(text), otherpkglist.parse(other))
    return open_manager(site, request)


REPOSITORIES = {
    "debian": DebianRepository, "dnf": RpmRepository, "zypper": SuseRepository,
    "debian-container": DebianContainer, "rpm-container": RpmContainer,
}  # fmt: skip
CONTAINERS = tuple(name for name in REPOSITORIES if name.endswith("-container"))
ALONE = tuple(name for name in REPOSITORIES if name not in CONTAINERS)
"""Those whose trees begin with nothing, from which packages can be removed at the end."""
