"""The repositories of an rpm image: those that pkgdir names or that lie below it, and those of otherpkgdir."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sbkernel.errors import DefinitionError
from sbkernel.images.families.local_index import LocalIndex, refresh_all
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.places import check_packages, of_otherpkgdir, other_places, places
from sbkernel.images.families.rpm.repository import REPODATA, Repository, file_url, local, remote
from sbkernel.jobs.report import Report
from sbkernel.site import Site

_NO_REPOSITORY = {"Packages", "repodata", "images", "EFI", "isolinux"}
# Last parts of addresses that tell no repository from another.
_COMMON = {"os", "repo", "x86_64", "aarch64", "ppc64le", "s390x", "noarch", "basearch", "rpms"}


@dataclass(frozen=True)
class Repositories:
    """The repositories of an image, the directories that we index, and the addresses of those that the list names."""

    all: tuple[Repository, ...]
    indexes: tuple[LocalIndex, ...] = ()
    placed: tuple[tuple[str, str], ...] = ()

    def refresh(self, report: Report) -> bool:
        """Index what has changed; tell whether a directory is gone and its index from the last time is used."""
        return refresh_all(self.indexes, report)

    def named(self, directory: str) -> Sequence[str]:
        """Return the names of the repositories that a directory below otherpkgdir is."""
        urls = [url for name, url in self.placed if name == directory]
        return [one.name for one in self.all if one.url in urls]


def repositories(site: Site, request: Request) -> Repositories:
    """Return the repositories of an osimage: pkgdir's, and those below otherpkgdir that its list names.

    DefinitionError when there is none (xCAT: genimage of EL) or an option is wrong, ListFileError for a directory of
    the list that does not exist.
    """
    cache = site.cache / "indexes"
    others = list(_of_otherpkgdir(site, request, cache))
    of_pkgdir = _of_pkgdir(request.attributes.get("pkgdir", ""), cache)
    found = [*of_pkgdir, *_of_kerneldir(request.kerneldir, cache), *(one for _, one in others)]
    if not found and not (request.over and not request.pkglist.packages):
        raise DefinitionError(
            "no repository among pkgdir and otherpkgdir",
            hint="pkgdir names directories that hold repodata or packages, or URLs, with commas between them",
        )
    first: dict[str, Repository] = {}
    for one in found:
        first.setdefault(one.url, one)
    return Repositories(
        tuple(_named(first.values())),
        tuple(dict.fromkeys(one.index for one in found if one.index)),
        tuple((name, one.url) for name, one in others if name),
    )


def _of_pkgdir(pkgdir: str, cache: Path) -> Iterator[Repository]:
    """Yield every URL, and every directory below the local ones that is a repository, else that one as a whole."""
    for place in places(pkgdir, "pkgdir"):
        if "://" in place.text:
            yield remote(place, "pkgdir")
            continue
        found = sorted(_indexed(Path(place.text)))
        yield from (local(directory, place) for directory in found)
        if not found and any(Path(place.text).rglob("*.rpm")):
            yield local(Path(place.text), place, cache)


def _of_kerneldir(kerneldir: str, cache: Path) -> Iterator[Repository]:
    """Return the repositories that the directory of the site's own kernels is; DefinitionError if it is empty."""
    for place in places(kerneldir, "kerneldir"):
        check_packages(place, "*.rpm", "kerneldir")
    return _of_pkgdir(kerneldir, cache)


def _indexed(top: Path) -> Iterator[Path]:
    """Yield the directories below one that are repositories; there is none among the packages themselves."""
    for directory, folders, _ in os.walk(top):
        if (Path(directory) / REPODATA).is_file():
            yield Path(directory)
        folders[:] = [name for name in folders if name not in _NO_REPOSITORY and not name.startswith(".")]


def _of_otherpkgdir(site: Site, request: Request, cache: Path) -> Iterator[tuple[str, Repository]]:
    """Yield what the otherpkglist needs of otherpkgdir; no name stands before an address."""
    if not request.otherpkglist.packages:
        return
    tops = of_otherpkgdir(site, request.attributes)
    yield from (("", remote(top, "otherpkgdir")) for top in tops if "://" in top.text)
    for one in other_places(tops, request.otherpkglist):
        yield one.name, local(one.directory, one.below, cache)


def real_url(url: str, indexes: Iterable[LocalIndex]) -> str:
    """Return where a package lies: beside an index in the cache there is none."""
    for index in indexes:
        if url.startswith(prefix := f"{file_url(index.place)}/"):
            return f"{file_url(index.directory)}/{url.removeprefix(prefix)}"
    return url


def _named(found: Iterable[Repository]) -> Iterator[Repository]:
    """Give each repository a name of its own, from its address."""
    taken: set[str] = set()
    for one in found:
        name = _name(file_url(one.index.directory) if one.index else one.url)
        number = next(n for n in range(1, len(taken) + 2) if (name if n == 1 else f"{name}-{n}") not in taken)
        name = name if number == 1 else f"{name}-{number}"
        taken.add(name)
        yield replace(one, name=name)


def _name(url: str) -> str:
    """Return the last part of an address that tells it from others: BaseOS of http://HOST/9.4/BaseOS/x86_64/os."""
    path = unquote(urlsplit(url).path)
    parts = [re.sub(r"[^A-Za-z0-9_.-]+", "-", part).strip("-.") for part in path.split("/")]
    telling = [part for part in parts if part and part.lower() not in _COMMON and not re.fullmatch(r"[\d.]+", part)]
    return telling[-1] if telling else "packages"
