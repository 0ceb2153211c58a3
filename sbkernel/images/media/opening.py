"""Open whatever holds a disc: an image, a drive, a directory; and say which distribution it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError, DefinitionError, NotFoundError
from sbkernel.images.families import EXAMPLES, families, family_of
from sbkernel.images.families.package_manager import Family
from sbkernel.images.media.directory import open_directory
from sbkernel.images.media.iso import open_iso
from sbkernel.images.media.medium import Disc, Medium
from sbkernel.lists.diagnostic import shown

_OSVERS = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]*")
_OSARCH = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Identified:
    """A medium, the family of its packages, what it says of itself, and what it is called here."""

    medium: Medium
    family: Family
    says: Disc | None
    disc: Disc


def open_medium(source: Path) -> Medium:
    """Open an image or a directory; NotFoundError when there is none."""
    if not source.exists():
        raise NotFoundError(
            f"The management server was unable to find/read {source}. Ensure that file exists on the server at the "
            "specified location.",
            hint="a disc is an ISO image, a drive, or a directory",
        )
    return open_directory(source) if source.is_dir() else open_iso(source)


def identify(source: Path, osvers: str = "", osarch: str = "") -> Identified:
    """Open a medium and say what it is; `osvers` and `osarch` say it where it does not, or in other words.

    Raises BuildError when nobody knows it, and when it is something else than was said.
    """
    check_words(osvers, osarch)
    medium = open_medium(source)
    family, says = recognised(medium)
    if says is None or family is None:
        if not osvers:
            raise _unknown(medium)
        if not osarch:
            raise DefinitionError(f"nothing on {source} says its architecture", hint="give it: -a x86_64")
        family, disc = family_of(osvers), Disc(osvers, osarch)
    else:
        disc = _named(source, family, says, osvers, osarch)
    return Identified(medium, family, says, disc)


def recognised(medium: Medium) -> tuple[Family | None, Disc | None]:
    """Return the family that knows a medium, and what it is; None twice when none does."""
    found = ((family, family.media.disc(medium)) for family in families())
    return next(((family, disc) for family, disc in found if disc is not None), (None, None))


def check_words(osvers: str, osarch: str) -> None:
    """Raise DefinitionError for an osvers or osarch that could not be the name of a directory, or is not known."""
    if osvers:
        if not _OSVERS.fullmatch(osvers):
            raise DefinitionError(f"{osvers!r} is no osvers", hint=f"osvers is such as {', '.join(EXAMPLES)}")
        family_of(osvers)
    if osarch and not _OSARCH.fullmatch(osarch):
        raise DefinitionError(f"{osarch!r} is no architecture", hint="osarch is such as x86_64, aarch64")


def _named(source: Path, family: Family, says: Disc, osvers: str, osarch: str) -> Disc:
    if osarch and osarch != says.osarch:
        raise BuildError(f"{source} is for {says.osarch}, not for {osarch}", hint="leave out -a, or take another disc")
    if osvers and (family_of(osvers).name != family.name or _major(osvers) != _major(says.osvers)):
        raise BuildError(
            f"{source} is {says.osvers}, not {osvers}",
            hint="leave out -n, or give another name of the same version",
        )
    return Disc(osvers or says.osvers, says.osarch, says.number)


def _major(osvers: str) -> str:
    match = re.search(r"\d+", osvers)
    return match[0] if match else ""


def _unknown(medium: Medium) -> BuildError:
    signs = ", ".join(sign for family in families() for sign in family.media.signs)
    top = sorted({path.split("/")[0] for path in medium.files})
    more = ", …" if len(top) > 8 else ""
    return BuildError(
        "copycds could not identify the ISO supplied, you may wish to try -n <osver>",
        hint=f"looked for {signs}; {medium.source} has {', '.join(map(shown, top[:8]))}{more}",
    )
