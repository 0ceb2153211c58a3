"""Where the packages of an rpm image come from, and by which keys they are signed. Of the disk, names are looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.lists import otherpkglist

_REPODATA = "repodata/repomd.xml"
_NO_REPOSITORY = {"Packages", "repodata", "images", "EFI", "isolinux"}
_KEYS = ("RPM-GPG-KEY*", "repodata/repomd.xml.key")
"""Key files as media and mirrors have them."""

_OPTION = re.compile(r"\s+(gpgkey|gpgcheck)=(\S*)$")
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

    @property
    def local(self) -> bool:
        """Tell whether it is a directory of this host."""
        return self.url.startswith("file:")

    @property
    def for_nodes(self) -> bool:
        """Tell whether a node can and may use it: no directory of this host, no address with a password in it."""
        return not self.local and not urlsplit(self.url).username


def repositories(attributes: Mapping[str, str], others: Iterable[str]) -> tuple[Repository, ...]:
    """Return the repositories of an osimage: pkgdir's, and those below otherpkgdir that its list names.

    DefinitionError when there is none (xCAT: genimage of EL) or an option is wrong.
    """
    placed = [otherpkglist.placed(entry).directory for entry in others]
    found = [*_of_pkgdir(attributes.get("pkgdir", "")), *_of_otherpkgdir(attributes.get("otherpkgdir", ""), placed)]
    if not found:
        raise DefinitionError(
            "no repository among pkgdir and otherpkgdir",
            hint="pkgdir names directories that hold repodata, or URLs, with commas between them",
        )
    first: dict[str, Repository] = {}
    for one in found:
        first.setdefault(one.url, one)
    return tuple(_named(first.values()))


def refuse_untrusted(chosen: Iterable[Repository]) -> None:
    """Raise BuildError for a mirror without a key: nothing would tell its packages from somebody else's."""
    bare = [shown(one.url) for one in chosen if not one.trusted]
    if bare:
        raise BuildError(
            f"no key says whose packages these are: {', '.join(bare)}",
            hint="write gpgkey=/PATH/OF/KEY after the address in pkgdir, or gpgcheck=0 to trust the mirror blindly; "
            "a local directory needs no key, one with RPM-GPG-KEY files must be signed by them",
        )


def shown(url: str) -> str:
    """Return an address without a password."""
    return re.sub(r"//[^/@]*@", "//", url)


def _of_pkgdir(pkgdir: str) -> Iterator[Repository]:
    """Yield every URL, and every directory below the local ones that is a repository."""
    for place, options in map(_options, _entries(pkgdir)):
        if "://" in place:
            yield _remote(place, options, "pkgdir")
            continue
        for directory in sorted(_indexed(Path(place))):
            yield _local(directory, Path(place), options)


def _indexed(top: Path) -> Iterator[Path]:
    """Yield the directories below one that are repositories; there is none among the packages themselves."""
    for directory, folders, _ in os.walk(top):
        if (Path(directory) / _REPODATA).is_file():
            yield Path(directory)
        folders[:] = [name for name in folders if name not in _NO_REPOSITORY and not name.startswith(".")]


def _of_otherpkgdir(otherpkgdir: str, directories: Iterable[str]) -> Iterator[Repository]:
    entries = [_options(entry) for entry in _entries(otherpkgdir)]
    yield from (_remote(place, options, "otherpkgdir") for place, options in entries if "://" in place)
    for top, options in ((Path(place), options) for place, options in entries if "://" not in place):
        for directory in dict.fromkeys(directories):
            if (top / directory / _REPODATA).is_file():
                yield _local(top / directory, top, options)


def _entries(text: str) -> Iterator[str]:
    return filter(None, map(str.strip, text.split(",")))


def _options(entry: str) -> tuple[str, list[tuple[str, str]]]:
    """Split an entry into its place, which may hold blanks, and the options after it."""
    options: list[tuple[str, str]] = []
    while match := _OPTION.search(entry):
        options.insert(0, (match[1], match[2]))
        entry = entry[: match.start()]
    return entry, options


def _remote(url: str, options: list[tuple[str, str]], attribute: str) -> Repository:
    if urlsplit(url).scheme not in _SCHEMES or re.search(r"\s", url):
        raise DefinitionError(
            f"{attribute}: {shown(url)!r} is no address of a repository",
            hint="file://, http:// or https://, then gpgkey=FILE or gpgcheck=0",
        )
    plain = Repository("", url.rstrip("/"))
    made = _with_keys(plain, _keys(options), dict(options).get("gpgcheck", ""))
    return replace(made, trusted=made.local or made.check or dict(options).get("gpgcheck") == "0")


def _local(directory: Path, top: Path, options: list[tuple[str, str]]) -> Repository:
    keys = _keys(options)
    if not keys:
        above = [directory, *(one for one in directory.parents if one.is_relative_to(top))]
        keys = [key for one in above for pattern in _KEYS for key in sorted(one.glob(pattern))]
    plain = Repository("", f"file://{quote(str(directory.absolute()))}")
    return _with_keys(plain, keys, dict(options).get("gpgcheck", ""))


def _with_keys(plain: Repository, keys: list[Path], check: str) -> Repository:
    if check not in ("", "0", "1"):
        raise DefinitionError(f"gpgcheck={check} is neither 0 nor 1", hint="correct pkgdir")
    if check == "1" and not keys:
        raise DefinitionError(f"gpgcheck=1 without a key for {shown(plain.url)}", hint="add gpgkey=/PATH/OF/KEY")
    return replace(plain, keys=tuple(keys), check=bool(keys) and check != "0")


def _keys(options: list[tuple[str, str]]) -> list[Path]:
    keys = [Path(value.removeprefix("file://")) for name, value in options if name == "gpgkey"]
    for key in keys:
        if not key.is_absolute() or not key.is_file():
            raise DefinitionError(f"gpgkey={key} is no file of this host", hint="copy the key here and name its path")
    return keys


def _named(found: Iterable[Repository]) -> Iterator[Repository]:
    """Give each repository a name of its own, from its address."""
    taken: set[str] = set()
    for one in found:
        name = _name(one.url)
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
