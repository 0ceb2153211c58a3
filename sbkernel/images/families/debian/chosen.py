"""The sources of one image: those that pkgdir names, else this host's, those of otherpkgdir and of kerneldir."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.images.families.debian import local, sources
from sbkernel.images.families.debian.apt import host_sources
from sbkernel.images.families.debian.local import LocalSource
from sbkernel.images.families.debian.media import trees
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.local_index import LocalIndex, refresh_all
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.places import Place, check_packages, of_otherpkgdir, other_places, places
from sbkernel.jobs.report import Report
from sbkernel.site import Site


@dataclass(frozen=True)
class Sources:
    """Sources in the order of their weight, the directories that we index, and where the list's directories are."""

    all: tuple[AptSource, ...]
    indexes: tuple[LocalIndex, ...] = ()
    placed: tuple[tuple[str, LocalSource], ...] = ()

    def refresh(self, report: Report) -> bool:
        """Index what has changed; tell whether a directory is gone and its index from the last time is used."""
        return refresh_all(self.indexes, report)

    def at(self, name: str) -> Sequence[LocalSource]:
        """Return the directories below otherpkgdir that have a name."""
        return [place for directory, place in self.placed if directory == name]


def chosen(site: Site, request: Request, release: DebianRelease) -> Sources:
    """Return the sources of an image. DefinitionError and ListFileError for one that is wrong."""
    cache = site.cache / "indexes"
    others = list(_others(site, request, release, cache))
    found = [*(one for _, one in others), *_of_pkgdir(site, request, release, cache)]
    return Sources(
        tuple(dict.fromkeys(sources.by_copy(one.source) for one in found)),
        tuple(dict.fromkeys(one.index for one in found if one.index)),
        tuple((name, one) for name, one in others if name),
    )


def _others(site: Site, request: Request, release: DebianRelease, cache: Path) -> Iterator[tuple[str, LocalSource]]:
    """Yield what the otherpkglist needs of otherpkgdir; no name stands before an address."""
    if not request.otherpkglist.packages:
        return
    tops = of_otherpkgdir(site, request.attributes)
    for one in other_places(tops, request.otherpkglist):
        yield one.name, local.local_source(one.below, one.directory, release, cache)
    for top in tops:
        if not top.local:
            yield "", _remote(top, "otherpkgdir", release)


def _of_pkgdir(site: Site, request: Request, release: DebianRelease, cache: Path) -> Iterator[LocalSource]:
    given = list(places(request.attributes.get("pkgdir", ""), "pkgdir"))
    for place in given:
        if place.local:
            for tree in trees(Path(place.text)):
                yield local.local_source(place, tree, release, cache)
        else:
            yield _remote(place, "pkgdir", release)
    if not given:
        yield from (LocalSource(one) for one in _of_host(site, release))
    for place in places(request.kerneldir, "kerneldir"):
        check_packages(place, "*.deb", "kerneldir")
        yield local.local_source(place, Path(place.text), release, cache)


def _of_host(site: Site, release: DebianRelease) -> Sequence[AptSource]:
    """Return the sources of this host, or for Ubuntu the mirror that the site names for it (xCAT: genimage)."""
    mirror = site.attribute("ubuntu_apt_mirror") if release.distribution == "ubuntu" else ""
    if not mirror:
        return sources.for_release(host_sources(), release.codename, release.architecture)
    suites = (release.codename, f"{release.codename}-updates", f"{release.codename}-security")
    place = next(places(mirror, "ubuntu_apt_mirror"))
    return [sources.from_place(place, "ubuntu_apt_mirror", suite, release.components) for suite in suites]


def _remote(place: Place, attribute: str, release: DebianRelease) -> LocalSource:
    return LocalSource(sources.from_place(place, attribute, release.codename, release.components))
