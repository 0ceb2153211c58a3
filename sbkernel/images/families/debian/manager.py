"""apt and mmdebstrap as a package manager: what an image of Debian's family asks, resolves, fetches and installs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import BuildError
from sbkernel.images.families.debian import configuration, mmdebstrap, records, sources
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.download import by_helper
from sbkernel.images.families.debian.install import hook_files, install
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.package_manager import (
    PackagePass,
    Resolution,
    Resolved,
    Survey,
    UnknownPackagesError,
)
from sbkernel.jobs.report import Report


@dataclass(frozen=True)
class AptManager:
    """apt for the sources of one image."""

    release: DebianRelease
    sources: tuple[AptSource, ...]
    passes: tuple[PackagePass, ...]
    apt: Apt
    downloads: Downloads

    @property
    def about(self) -> str:
        """Return release, architecture and the number of sources."""
        number = f"{len(self.sources)} source" + ("" if len(self.sources) == 1 else "s")
        return f"{self.release.codename} {self.release.architecture}, {number}"

    @property
    def asked(self) -> list[str]:
        """Return the packages of all passes, each once, in order."""
        return list(dict.fromkeys(name for one in self.passes for name in one.packages))

    def check_sources(self, report: Report) -> bool:
        """Update the package lists; tell whether those from the last time have to do."""
        with self.apt.in_turn():
            return self.apt.update(report)

    def resolve(self, report: Report) -> Resolution:
        """Return exactly the packages that a minimal base and the lists mean now."""
        with self.apt.in_turn():
            offline = self.apt.update(report)
            return Resolution(self._based(self.apt.solve(self.asked)), offline)

    def survey(self, report: Report) -> Survey:
        """Resolve what the sources have; the names that they do not have come back with names like them."""
        unknown: dict[str, list[str]] = {}
        with self.apt.in_turn():
            offline = self.apt.update(report)
            while True:
                known = [name for name in self.asked if name not in unknown and bare(name) not in unknown]
                try:
                    found = records.candidates(self.apt.solve(known))
                    return Survey(found, [bare(name) for name in self.asked], unknown, offline)
                except UnknownPackagesError as error:
                    if not set(error.near) & {*known, *map(bare, known)}:
                        raise
                    unknown |= error.near

    def _based(self, packages: tuple[Resolved, ...]) -> tuple[Resolved, ...]:
        if not any(package.name == "dpkg" for package in packages):
            raise BuildError(
                f"the package sources hold no base system of {self.release.codename}",
                hint="pkgdir replaces the sources of the host: name a mirror of the distribution in it, too",
            )
        return packages

    def inputs(self, resolution: Resolution) -> Mapping[str, Any]:
        """Return all that the tree depends on; where the packages are from is no part of it, their sums are."""
        return {
            "version": mmdebstrap.VERSION,
            "release": [self.release.codename, self.release.architecture],
            "passes": mmdebstrap.passes_data(self.passes),
            "packages": {str(package): package.sha256 for package in resolution.packages},
            "hooks": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in hook_files()},
            "options": [configuration.BUILD_OPTIONS, configuration.PREFERENCES],
        }

    def fetch(self, resolution: Resolution, report: Report) -> None:
        """Fetch the packages by address and sha256."""
        self.downloads.fetch(resolution.packages, by_helper(self.apt.environment), report)

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        """Install exactly these packages, or fail."""
        return install(resolution.packages, self.downloads, self.release, self.passes, tree, report)

    def laid(self) -> dict[str, bytes]:
        """Return the sources that nodes can reach."""
        usable = sources.render(filter(sources.reachable_by_nodes, self.sources))
        return {"etc/apt/sources.list.d/image.sources": usable.encode()}

    def laid_if_missing(self) -> dict[str, bytes]:
        """Return the keyrings that sources are signed by: their packages may not be in the image."""
        found = (path for path in keyrings(self.sources) if path.is_file())
        return {str(path).lstrip("/"): path.read_bytes() for path in found}

    def configure_script(self) -> bytes:
        """Return the script that removes what the build by apt needed."""
        return (resources.templates() / "families" / "debian" / "configure.sh").read_bytes()


def bare(name: str) -> str:
    """Return the name of a package that was asked for as name:architecture=version."""
    return name.partition("=")[0].partition(":")[0]


def keyrings(chosen: Iterable[AptSource]) -> Sequence[Path]:
    """Return the keyring files that sources are signed by, each once."""
    words = [word for source in chosen for word in source.option("Signed-By").split()]
    return [Path(word) for word in dict.fromkeys(words) if word.startswith("/")]
