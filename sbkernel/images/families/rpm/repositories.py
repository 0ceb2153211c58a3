"""Where the packages of an rpm image come from, and by which keys they are signed. Of the disk, names are looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.families.local_index import LocalIndex, unindexed
from sbkernel.images.families.package_manager import Request
from sbkernel.images.families.places import Place, check_packages, of_otherpkgdir, other_places, places, shown
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.site import Site

_REPODATA = "repodata/repomd.xml"
_NO_REPOSITORY = {"Packages", "repodata", "images", "EFI", "isolinux"}
_KEYS = ("RPM-GPG-KEY*", "repodata/repomd.xml.key")
"""Key files as media and mirrors have them."""

_SCHEMES = ("file", "http", "https", "ftp")
# Last parts of addresses that tell no repository from another.
_COMMON = {"os", "repo", "x86_64", "aarch64", "ppc64le", "s390x", "noarch", "basearch", "rpms"}


@dataclass(frozen=True)
class Repository:
    """A repository: its name for the package manager, its address, key files, and whether packages must be signed."""

    name: str
    url: str
    keys: tuple[Path, ...] = ()
    check: bool = False
    trusted: bool = True
    """False when nobody has said by what to trust a mirror."""
    index: LocalIndex | None = None
    """What we index, when nobody else has."""

    @property
    def local(self) -> bool:
        """Tell whether it is a directory of this host."""
        return self.url.startswith("file:")

    @property
    def for_nodes(self) -> bool:
        """Tell whether a node can and may use it: no directory of this host, no address with a password in it."""
        return not self.local and not urlsplit(self.url).username


@dataclass(frozen=True)
class Repositories:
    """The repositories of an image, the directories that we index, and the addresses of those that the list names."""

    all: tuple[Repository, ...]
    indexes: tuple[LocalIndex, ...] = ()
    placed: tuple[tuple[str, str], ...] = ()

    def refresh(self, report: Report) -> bool:
        """Index what has changed; tell whether a directory is gone and its index from the last time is used."""
        gone = [index.refresh(report) for index in self.indexes]
        return any(gone)

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
    if not found:
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


def refuse_untrusted(chosen: Iterable[Repository]) -> None:
    """Raise BuildError for a mirror without a key: nothing would tell its packages from somebody else's."""
    bare = [shown(one.url) for one in chosen if not one.trusted]
    if bare:
        raise BuildError(
            f"no key says whose packages these are: {', '.join(bare)}",
            hint="write gpgkey=/PATH/OF/KEY after the address in pkgdir, or gpgcheck=0 to trust the mirror blindly; "
            "a local directory needs no key, one with RPM-GPG-KEY files must be signed by them",
        )


def _of_pkgdir(pkgdir: str, cache: Path) -> Iterator[Repository]:
    """Yield every URL, and every directory below the local ones that is a repository, else that one as a whole."""
    for place in places(pkgdir, "pkgdir"):
        if "://" in place.text:
            yield _remote(place, "pkgdir")
            continue
        found = sorted(_indexed(Path(place.text)))
        yield from (_local(directory, place) for directory in found)
        if not found and any(Path(place.text).rglob("*.rpm")):
            yield _local(Path(place.text), place, cache)


def _of_kerneldir(kerneldir: str, cache: Path) -> Iterator[Repository]:
    """Return the repositories that the directory of the site's own kernels is; DefinitionError if it is empty."""
    for place in places(kerneldir, "kerneldir"):
        check_packages(place, "*.rpm", "kerneldir")
    return _of_pkgdir(kerneldir, cache)


def _indexed(top: Path) -> Iterator[Path]:
    """Yield the directories below one that are repositories; there is none among the packages themselves."""
    for directory, folders, _ in os.walk(top):
        if (Path(directory) / _REPODATA).is_file():
            yield Path(directory)
        folders[:] = [name for name in folders if name not in _NO_REPOSITORY and not name.startswith(".")]


def _of_otherpkgdir(site: Site, request: Request, cache: Path) -> Iterator[tuple[str, Repository]]:
    """Yield what the otherpkglist needs of otherpkgdir; no name stands before an address."""
    if not request.otherpkglist.packages:
        return
    tops = of_otherpkgdir(site, request.attributes)
    yield from (("", _remote(top, "otherpkgdir")) for top in tops if "://" in top.text)
    for one in other_places(tops, request.otherpkglist):
        yield one.name, _local(one.directory, one.below, cache)


def _remote(place: Place, attribute: str) -> Repository:
    url = place.text
    if urlsplit(url).scheme not in _SCHEMES or re.search(r"\s", url):
        raise DefinitionError(
            f"{attribute}: {shown(url)!r} is no address of a repository",
            hint="file://, http:// or https://, then gpgkey=FILE or gpgcheck=0",
        )
    made = _with_keys(Repository("", url.rstrip("/")), place.keys, place.check)
    return replace(made, trusted=made.local or made.check or place.check is False)


def _local(directory: Path, place: Place, cache: Path | None = None) -> Repository:
    """Return a directory as a repository; one without an index gets one in the cache, if there is one for it."""
    keys = list(place.keys)
    if not keys:
        above = [directory, *(one for one in directory.parents if one.is_relative_to(place.text))]
        keys = [key for one in above for pattern in _KEYS for key in sorted(one.glob(pattern))]
    plain = Repository("", _file_url(directory))
    if cache is not None and not (directory / _REPODATA).is_file():
        index = LocalIndex.below(cache, directory.absolute(), ".rpm", write_index)
        plain = Repository("", _file_url(index.place), index=index)
    return _with_keys(plain, keys, place.check)


def _file_url(directory: Path) -> str:
    return f"file://{quote(str(directory.absolute()))}"


def write_index(directory: Path, place: Path) -> None:
    """Write the index of a directory that has none (createrepo_c(8))."""
    lines: list[str] = []
    argv = ["createrepo_c", "--error-exit-val", "--no-database", "--outputdir", str(place), str(directory)]
    if run(argv, on_line=lines.append, check=False).returncode:
        raise unindexed(directory, [line for line in lines if re.search("error|critical|warning", line, re.IGNORECASE)])


def real_url(url: str, indexes: Iterable[LocalIndex]) -> str:
    """Return where a package lies: beside an index in the cache there is none."""
    for index in indexes:
        if url.startswith(prefix := f"{_file_url(index.place)}/"):
            return f"{_file_url(index.directory)}/{url.removeprefix(prefix)}"
    return url


def _with_keys(plain: Repository, keys: Sequence[Path], check: bool | None) -> Repository:
    if check and not keys:
        raise DefinitionError(f"gpgcheck=1 without a key for {shown(plain.url)}", hint="add gpgkey=/PATH/OF/KEY")
    return replace(plain, keys=tuple(keys), check=bool(keys) and check is not False)


def _named(found: Iterable[Repository]) -> Iterator[Repository]:
    """Give each repository a name of its own, from its address."""
    taken: set[str] = set()
    for one in found:
        name = _name(_file_url(one.index.directory) if one.index else one.url)
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
