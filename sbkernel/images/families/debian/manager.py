"""apt and mmdebstrap as a package manager: what an image of Debian's family asks, resolves, fetches and installs."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sbkernel import resources
from sbkernel.errors import BuildError
from sbkernel.images.families import security as fixes
from sbkernel.images.families.change import bare, names
from sbkernel.images.families.debian import aptfiles, configuration, local, mmdebstrap, over, records, security
from sbkernel.images.families.debian.apt import Apt
from sbkernel.images.families.debian.change import change_tree, why_clean
from sbkernel.images.families.debian.chosen import Sources
from sbkernel.images.families.debian.download import by_helper
from sbkernel.images.families.debian.install import hook_files, install
from sbkernel.images.families.debian.local import Listed
from sbkernel.images.families.debian.output import repository_of
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.downloads import Downloads
from sbkernel.images.families.package_manager import KnownBefore, PackagePass, Survey, UnknownPackagesError
from sbkernel.images.families.passes import AskedFor, removed_with
from sbkernel.images.families.places import shown
from sbkernel.images.families.resolved import Base, Change, Resolution, Resolved
from sbkernel.images.layers.over import Linking
from sbkernel.jobs.report import Report
from sbkernel.packages.readers.deb.dpkg import DEB


@dataclass(frozen=True)
class AptManager:
    """apt for the sources of one image."""

    release: DebianRelease
    sources: Sources
    lists: AskedFor
    apt: Apt
    downloads: Downloads
    base: Base | None = None
    """The tree that the packages come on top of; None: they fill one."""

    @property
    def about(self) -> str:
        """Return release, architecture and the number of sources."""
        number = f"{len(self.sources.all)} source" + ("" if len(self.sources.all) == 1 else "s")
        return f"{self.release.codename} {self.release.architecture}, {number}"

    @property
    def asked(self) -> list[str]:
        """Return the packages of all passes, each once, in order."""
        return list(self.lists.names)

    @property
    def passes(self) -> Sequence[PackagePass]:
        """Return the passes of the lists."""
        return self.lists.passes

    @property
    def reads(self) -> Sequence[Path]:
        """Return how apt of this host finds, trusts and logs in to mirrors, and the keyrings that sources name."""
        return [*map(Path, configuration.OF_HOST), *aptfiles.keyrings(self.sources.all)]

    def check_sources(self, report: Report) -> bool:
        """Update the package lists; tell whether those from the last time have to do."""
        with self.apt.in_turn():
            return self._update(report)

    def _update(self, report: Report) -> bool:
        gone = self.sources.refresh(report)
        return self.apt.update(report) or gone

    def resolve(self, report: Report) -> Resolution:
        """Return exactly the packages that a minimal base and the lists mean now."""
        with self.apt.in_turn():
            offline = self._update(report)
            found = self._based(self._solve(self.asked))
            return Resolution(found, offline, self._removed(found))

    def resolve_security(self, installed: Mapping[str, str], report: Report) -> Resolution:
        """Resolve, and keep every package at its version of which no security archive has a newer one."""
        with self.apt.in_turn():
            offline = self._update(report)
            given = {bare(name) for name in self.asked if "=" in name}
            others = {
                name: version for name, version in installed.items() if name not in given and not self._listed(name)
            }
            offered, archives = self.apt.security(others)
            if not archives:
                raise fixes.nothing_told(map(_shown, self.sources.all), "is a security archive")
            fixed = {name: [one.version for one in found if one.source in archives] for name, found in offered.items()}
            versions = fixes.wanted(DEB, others, fixed, fixed)
            found = self._based(self._solve(self.asked, security.pins(versions)))
            fixes.refuse_strays(found, versions)
            return Resolution(found, offline, self._removed(found))

    def _solve(self, names: Sequence[str], pins: str = "") -> tuple[Resolved, ...]:
        """Return what apt chooses; for what the lists want from one directory it is asked by the version there."""
        own = {name: listed for name in names if (listed := self._listed(name))}
        spelt = [f"{name}={own[name].version}" if name in own else name for name in names]
        found = self.apt.solve(spelt, self.lists.left_out, self.base, pins)
        return tuple(self._at_home(own[one.name].instead_of(one) if one.name in own else one) for one in found)

    def _listed(self, name: str) -> Listed | None:
        """Return the package of the directory that the lists want it from."""
        directories = [directory for there, directory in self.lists.places if there == name]
        places = [place for directory in directories for place in self.sources.at(directory) if place.flat]
        if not places:
            return None
        found = next(filter(None, (local.newest(place, name, self.release.architecture) for place in places)), None)
        if found is None:
            near = {one for place in places for one in local.names(place)}
            raise UnknownPackagesError({name: difflib.get_close_matches(name, sorted(near), n=3)})
        return found

    def _at_home(self, one: Resolved) -> Resolved:
        uri = local.real_uri(one.uri, self.sources.indexes)
        return replace(one, uri=uri, repository=repository_of(uri))

    def _removed(self, packages: Sequence[Resolved]) -> tuple[Resolved, ...]:
        """Return those that leave the tree at the end."""
        if not self.lists.removed:
            return ()
        needs, base = records.requirements(packages), records.base(packages)
        gone = removed_with(self.lists.removed, needs, map(bare, self.asked), base)
        return tuple(one for one in packages if one.name in gone)

    def survey(self, report: Report) -> Survey:
        """Resolve what the sources have; the names that they do not have come back with names like them."""
        unknown: dict[str, list[str]] = {}
        with self.apt.in_turn():
            offline = self._update(report)
            while True:
                known = [name for name in self.asked if name not in unknown and bare(name) not in unknown]
                try:
                    solved = self._solve(known)
                    gone = self._removed(solved)
                    found = records.candidates([one for one in solved if one not in gone])
                    return Survey(found, [bare(name) for name in self.asked], unknown, offline)
                except UnknownPackagesError as error:
                    if not set(error.near) & {*known, *map(bare, known)}:
                        raise
                    unknown |= error.near

    def known_before(self, report: Report) -> KnownBefore | None:  # noqa: ARG002 - apt says nothing here
        """Say which names the package lists do not have; apt's lists of files are not downloaded."""
        with self.apt.in_turn():
            return KnownBefore(self.apt.unknown(map(bare, self.asked)), {}) if self.apt.updated else None

    def _based(self, packages: tuple[Resolved, ...]) -> tuple[Resolved, ...]:
        if self.base is None and not any(package.name == "dpkg" for package in packages):
            raise BuildError(
                f"the package sources hold no base system of {self.release.codename}",
                hint="pkgdir replaces the sources of the host: name a mirror of the distribution in it, too",
            )
        return packages

    def inputs(self, resolution: Resolution) -> Mapping[str, Any]:
        """Return all that the tree depends on; where the packages are from is no part of it, their sums are."""
        if self.base:
            return over.inputs(resolution, self.base, self.passes)
        return {
            "version": mmdebstrap.VERSION,
            "release": [self.release.codename, self.release.architecture],
            "passes": mmdebstrap.passes_data(self.passes),
            "packages": {str(package): package.sha256 for package in resolution.packages},
            "hooks": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in hook_files(self.release)},
            "options": [configuration.BUILD_OPTIONS, configuration.PREFERENCES],
            **({"removed": [one.name for one in resolution.removed]} if resolution.removed else {}),
        }

    def fetch(self, resolution: Resolution, report: Report) -> None:
        """Fetch the packages by address and sha256."""
        self.downloads.fetch(resolution.packages, by_helper(self.apt.environment), report)

    def write_mirror(self, directory: Path, files: Mapping[str, Resolved]) -> None:
        """Write the index of a mirror of exactly these packages."""
        local.write_mirror(directory, self.release, files)

    def install(self, resolution: Resolution, tree: Path, report: Report) -> Mapping[str, Any]:
        """Install exactly these packages, or fail."""
        if self.base:
            return over.install(resolution, self.downloads, self.release, self.passes, self.base, tree, report)
        return install(resolution, self.downloads, self.release, self.passes, tree, report)

    def shared(self, resolution: Resolution) -> Mapping[str, Any] | None:
        """Return all inputs but the packages and what the last pass asks for; None where packages leave at the end."""
        inputs = self.inputs(resolution)
        *earlier, last = inputs["passes"] or [{"env": []}]
        others = {name: value for name, value in inputs.items() if name not in ("packages", "passes")}
        return None if resolution.removed else {**others, "earlier": earlier, "env": last["env"]}

    def why_clean(self, change: Change, resolution: Resolution, base: Path) -> str:
        """Say what of the packages that come or leave stands against a change."""
        return why_clean(change, resolution, base, self.downloads)

    def change(
        self,
        change: Change,
        resolution: Resolution,
        base: Path,
        tree: Path,
        report: Report,
        linking: Linking | None = None,
    ) -> Mapping[str, Any]:
        """Let dpkg of the tree change these packages, or fail."""
        asked = names(self.asked)
        return change_tree(change, resolution, self.downloads, self.release, asked, base, tree, report, linking)

    def over(self, base: Base) -> AptManager:
        """Return the same for a tree that is there."""
        over.check(base)
        return replace(self, base=base)

    def laid(self) -> dict[str, bytes]:
        """Return the sources that nodes can reach, with the keys that the site has named for them."""
        return aptfiles.laid(self.sources.all)

    def laid_if_missing(self) -> dict[str, bytes]:
        """Return the keyrings of distributions that sources are signed by: their packages may not be in the image."""
        return aptfiles.laid_if_missing(self.sources.all)

    def configure_script(self) -> bytes:
        """Return the script that removes what the build by apt needed."""
        return (resources.templates() / "families" / "debian" / "configure.sh").read_bytes()


def _shown(source: AptSource) -> str:
    return f"{shown(source.uri)} {source.suite}"
