"""Discs of Debian and Ubuntu: what says which one a disc is, and where its packages are on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images.families.debian import signature
from sbkernel.images.families.debian.releases import ARCHITECTURES, release_of
from sbkernel.images.media.medium import Disc, Medium, read

_ARCHITECTURES = {theirs: ours for ours, theirs in ARCHITECTURES.items()}
_INFO = re.compile(
    rf"(Debian GNU/Linux|Ubuntu)\S* (\d+(?:\.\d+)*).*?\b({'|'.join(_ARCHITECTURES)})\b"
    r"(?:.*?\bBinary-([1-9]\d{0,2})\b)?"
)
_BASE = re.compile(r"/dpkg_[^/]*\.deb$")
_RELEASE = re.compile(r"dists/([^/]+)/Release")
_FIELD = re.compile(r"^(Origin|Version|Architectures): *(.+)$", re.MULTILINE)
_NAMES = {"Debian GNU/Linux": "debian", "Debian": "debian", "Ubuntu": "ubuntu"}


class DebianMedia:
    """Discs with .disk/info, and trees with dists/*/Release."""

    signs = (".disk/info", "dists/*/Release")
    indexes = ("dists",)

    def disc(self, medium: Medium) -> Disc | None:
        """Return what a disc is, or None."""
        return _of_info(medium) or next(_of_releases(medium), None)

    def check(self, medium: Medium, disc: Disc) -> Sequence[str]:
        """Return remarks about a disc; BuildError when it has no packages for the architecture."""
        ours = next((ours for ours, theirs in _ARCHITECTURES.items() if theirs == disc.osarch), disc.osarch)
        index = re.compile(rf"dists/[^/]+/.+/binary-{re.escape(ours)}/Packages(\.gz|\.xz)?")
        if not any(map(index.fullmatch, medium.files)):
            missing = f"dists/*/*/binary-{ours}/Packages"
            raise BuildError(
                f"{medium.source} holds no packages for {disc.osarch}: there is no {missing} on it",
                hint="a disc that only boots brings none: take the DVD, or name a mirror (sb copycds -h)",
            )
        remarks = signature.remarks(medium)
        if disc.number == 1 and not any(map(_BASE.search, medium.files)):
            # A live system brings itself as one file, and packages only for what may be missing in it.
            remarks.append("there is no base system among its packages: add a mirror to pkgdir before you build")
        return remarks

    def pkgdirs(self, sources: Sequence[str], osvers: str, osarch: str) -> Sequence[str]:
        """Return the addresses as they are; one without a suite means that of the release, and none this host's."""
        release_of(osvers, osarch)
        return [",".join(sources)]


def _of_info(medium: Medium) -> Disc | None:
    match = _INFO.match(read(medium, ".disk/info"))
    return _disc(match[1], match[2], match[3], int(match[4] or 1)) if match else None


def _of_releases(medium: Medium) -> Iterator[Disc]:
    for path in sorted(filter(_RELEASE.fullmatch, medium.files)):
        fields = dict(_FIELD.findall(read(medium, path)))
        known = [one for one in fields.get("Architectures", "").split() if one in _ARCHITECTURES]
        if fields.get("Origin") in _NAMES and re.fullmatch(r"\d+(\.\d+)*", fields.get("Version", "")) and known:
            yield _disc(fields["Origin"], fields["Version"], known[0], 1)


def _disc(name: str, version: str, architecture: str, number: int) -> Disc:
    """Return a disc; a third number of a Debian that is 0 is no part of its name, as on Debian's own pages."""
    osvers = _NAMES[name] + (re.sub(r"^(\d+\.\d+)\.0$", r"\1", version) if name != "Ubuntu" else version)
    return Disc(osvers, _ARCHITECTURES[architecture], number)


def trees(directory: Path) -> list[Path]:
    """Return the directories of a tree that copycds made: itself, and those of further discs; else just itself."""
    found = [one for one in (directory, *sorted(directory.glob("disc*"))) if (one / "dists").is_dir()]
    return found or [directory]
