"""Where packages come from, as pkgdir and otherpkgdir say it for every family: places, and whose keys to trust."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sbkernel.errors import DefinitionError
from sbkernel.lists import otherpkglist
from sbkernel.lists.pkglist import Pkglist
from sbkernel.site import Site

_CONTAINER = re.compile(r"(oci|oci-archive|docker-archive|docker):")
_OPTION = re.compile(r"\s+(gpgkey|gpgcheck)=(\S*)$")


class Place(NamedTuple):
    """One entry: a directory or an address, key files, and whether signatures count (None: nothing was said)."""

    text: str
    keys: tuple[Path, ...] = ()
    check: bool | None = None

    @property
    def local(self) -> bool:
        """Tell whether it is a directory, named by its path."""
        return self.text.startswith("/")


def split(text: str) -> list[str]:
    """Return the entries of an attribute, a comma list, with their options."""
    return [entry for entry in map(str.strip, text.split(",")) if entry]


def is_container(entry: str) -> bool:
    """Tell whether an entry of pkgdir is a container image (containers-transports(5))."""
    return _CONTAINER.match(entry) is not None


def places(text: str, attribute: str) -> Iterator[Place]:
    """Yield the entries of an attribute, a comma list; DefinitionError for an option that is wrong."""
    for entry in split(text):
        if is_container(entry):
            hint = "the container that an image stands on is the first entry of pkgdir; there is one"
            raise DefinitionError(f"{attribute}: {shown(entry)} is no package source", hint=hint)
        rest = entry
        options: list[tuple[str, str]] = []
        while match := _OPTION.search(rest):
            options.insert(0, (match[1], match[2]))
            rest = rest[: match.start()]
        yield Place(rest, tuple(_keys(options, attribute)), _check(options, attribute))


def check_packages(place: Place, pattern: str, attribute: str) -> None:
    """Raise DefinitionError if no package lies in a directory or below it."""
    if not place.local or not any(Path(place.text).rglob(pattern)):
        raise DefinitionError(
            f"{attribute}={place.text} holds no packages", hint=f"copy them there, or clear {attribute}"
        )


def _check(options: Sequence[tuple[str, str]], attribute: str) -> bool | None:
    said = dict(options).get("gpgcheck", "")
    if said not in ("", "0", "1"):
        raise DefinitionError(f"gpgcheck={said} is neither 0 nor 1", hint=f"correct {attribute}")
    return said == "1" if said else None


def _keys(options: Iterable[tuple[str, str]], attribute: str) -> Iterator[Path]:
    for key in (Path(value.removeprefix("file://")) for name, value in options if name == "gpgkey"):
        if not key.is_absolute() or not key.is_file():
            hint = f"copy the key here and name its full path in {attribute}"
            raise DefinitionError(f"gpgkey={key} is no file of this host", hint=hint)
        yield key


def shown(url: str) -> str:
    """Return an address without a password."""
    return re.sub(r"//[^/\s]*@", "//", url)


class OtherPlace(NamedTuple):
    """A directory below otherpkgdir that entries of the otherpkglist name, and the place that it is below."""

    name: str
    directory: Path
    below: Place


def of_otherpkgdir(site: Site, attributes: Mapping[str, str]) -> list[Place]:
    """Return the entries of otherpkgdir, or its default (xCAT: linuximage.otherpkgdir)."""
    default = site.installdir / "post" / "otherpkgs" / attributes.get("osvers", "") / attributes.get("osarch", "")
    found = list(places(attributes.get("otherpkgdir") or str(default), "otherpkgdir"))
    if wrong := next((one.text for one in found if not one.local and ":/" not in one.text), None):
        what = f"otherpkgdir: {shown(wrong)!r} is neither a directory nor an address"
        raise DefinitionError(what, hint="the path of a directory begins with /")
    return found


def other_places(tops: Sequence[Place], others: Pkglist) -> list[OtherPlace]:
    """Return the directories of packages that the otherpkglist names, each once, in its order.

    Raises ListFileError for an entry whose directory is nowhere below otherpkgdir. Bare names come from otherpkgdir
    itself where that is a directory, and from its addresses.
    """
    found: dict[Path, OtherPlace] = {}
    for entry in (one for one in others.entries if one.kind == "install"):
        name = otherpkglist.placed(entry.name).directory
        if name != "." and not all(part not in ("", ".", "..") for part in name.split("/")):
            raise entry.line.error(f"'{name}' is no directory below otherpkgdir", hint="write subdir/package")
        there = [OtherPlace(name, Path(top.text, name), top) for top in tops if top.local]
        there = [one for one in there if one.directory.is_dir()]
        if name != "." and not there:
            where = " and ".join(top.text for top in tops if top.local) or "otherpkgdir, which names addresses alone"
            raise entry.line.error(f"no directory {name} in {where}", hint="make it, or correct otherpkgdir")
        for one in there:
            found.setdefault(one.directory, one)
    return list(found.values())
