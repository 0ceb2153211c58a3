"""Directories of packages on this host as sources of apt, whoever has indexed them, and what their indexes say."""

from __future__ import annotations

import gzip
import lzma
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from sbkernel.errors import DefinitionError
from sbkernel.files import write_if_changed, write_whole
from sbkernel.images.families.debian import records
from sbkernel.images.families.debian.releases import DebianRelease
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.local_index import LocalIndex, unindexed
from sbkernel.images.families.places import Place
from sbkernel.images.families.resolved import Resolved
from sbkernel.jobs.run import run
from sbkernel.packages.readers.deb.dpkg import DEB
from sbkernel.packages.versions import sort_key

_INDEXES: Mapping[str, Callable[[bytes], bytes]] = {
    "Packages": bytes,
    "Packages.gz": gzip.decompress,
    "Packages.xz": lzma.decompress,
}
_SIGNATURES = ("InRelease", "Release.gpg")


@dataclass(frozen=True)
class LocalSource:
    """A directory as a source; `listed` is where its index lies, `index` is there when we make it."""

    source: AptSource
    directory: Path = Path()
    listed: Path = Path()
    index: LocalIndex | None = None

    @property
    def flat(self) -> bool:
        """Tell whether one index lists all its packages."""
        return self.source.suite == "./"


def local_source(place: Place, directory: Path, release: DebianRelease, cache: Path) -> LocalSource:
    """Return a directory as a source: a mirror or medium of the release, or packages with or without an index.

    A directory with a signature, or for which the place names a key, is checked by it; others are trusted.
    DefinitionError for a mirror without a component for this architecture, and for a key where nothing can be signed.
    """
    if (suite := directory / "dists" / release.codename).is_dir():
        return LocalSource(_mirror(place, directory, suite, release), directory, suite)
    if not any((directory / name).is_file() for name in _INDEXES):
        if place.keys or place.check:
            raise DefinitionError(
                f"{directory} has no index that a key could have signed",
                hint="index and sign it (apt-ftparchive, gpg), or leave out gpgkey= and gpgcheck=",
            )
        index = LocalIndex.below(cache, directory, ".deb", write_index)
        return LocalSource(AptSource(copy_uri(index.place), "./", options=_trusted()), directory, index.place, index)
    signed = any((directory / name).exists() for name in _SIGNATURES)
    return LocalSource(
        AptSource(copy_uri(directory), "./", options=_options(place, signed=signed)), directory, directory
    )


def _mirror(place: Place, directory: Path, suite: Path, release: DebianRelease) -> AptSource:
    found = sorted(path.parent.name for path in suite.glob(f"*/binary-{release.architecture}"))
    if not found:
        raise DefinitionError(f"{suite} has no packages for {release.architecture}", hint="correct pkgdir or osarch")
    return AptSource(copy_uri(directory), release.codename, tuple(found), _options(place, signed=False))


def _options(place: Place, *, signed: bool) -> tuple[tuple[str, str], ...]:
    if place.check is False or not (signed or place.keys or place.check):
        return _trusted()
    return (("Signed-By", " ".join(map(str, place.keys))),) if place.keys else ()


def _trusted() -> tuple[tuple[str, str], ...]:
    return (("Trusted", "yes"),)


def copy_uri(path: Path) -> str:
    """Return the address by which apt copies from a directory: paths of this host do not exist inside the image."""
    return f"copy:{quote(str(path), safe='/+~:@,=')}"


def write_index(directory: Path, place: Path) -> None:
    """Write the index of a directory that has none (apt-ftparchive(1))."""
    before = place / "Packages"
    lines: list[str] = []
    done = run(["apt-ftparchive", "packages", "."], cwd=directory, on_line=lines.append, check=False)
    # It leaves out a package that it cannot read, and is content.
    if (errors := [line for line in lines if line.startswith("E:")]) or done.returncode:
        raise unindexed(directory, errors)
    newer = before.stat().st_mtime_ns + 2_000_000_000 if before.exists() else 0
    write_whole(before, done.stdout)
    # apt compares whole seconds.
    now = max(before.stat().st_mtime_ns, newer)
    os.utime(before, ns=(now, now))


def write_mirror(directory: Path, release: DebianRelease, files: Mapping[str, Resolved]) -> None:
    """Write the index of a directory as mirrors have it: one suite, one component."""
    index = records.listing(files)
    name = f"main/binary-{release.architecture}/Packages"
    fields = ("Components: main", f"Architectures: {release.architecture}")
    suite = directory / "dists" / release.codename
    write_if_changed(suite / name, index)
    write_if_changed(suite / "Release", records.release(index, release.codename, name, fields))


def real_uri(uri: str, indexes: Iterable[LocalIndex]) -> str:
    """Return where a package lies: beside an index in the cache there is none."""
    plain = unquote(uri)
    for index in indexes:
        if plain.startswith(prefix := f"copy:{index.place}/"):
            return copy_uri(index.directory / plain.removeprefix(prefix))
    return uri


class Listed(NamedTuple):
    """A package as the index of its directory has it."""

    version: str
    record: str
    directory: Path

    def instead_of(self, one: Resolved) -> Resolved:
        """Return this package for one of the same version, which another source may have, too."""
        fields = records.fields(self.record)
        uri = copy_uri(self.directory / fields.get("Filename", ""))
        size, total = fields.get("Size", ""), fields.get("SHA256", "")
        if one.version != self.version or not (size.isdigit() and total):
            return one
        return replace(
            one, architecture=fields["Architecture"], size=int(size), sha256=total, uri=uri, record=self.record
        )


def newest(place: LocalSource, name: str, architecture: str) -> Listed | None:
    """Return the newest version of a package in a directory; None if there is none."""
    pairs = ((record, records.fields(record)) for record in _records(place.listed))
    found = [
        Listed(fields["Version"], f"{record.strip()}\n", place.directory)
        for record, fields in pairs
        if fields.get("Package") == name and fields.get("Architecture") in (architecture, "all") and "Version" in fields
    ]
    order = sort_key(DEB)
    return max(found, key=lambda one: order(one.version), default=None)


def names(place: LocalSource) -> set[str]:
    """Return the names of the packages in a directory."""
    return {records.fields(record).get("Package", "") for record in _records(place.listed)}


def _records(listed: Path) -> list[str]:
    for name, unpacked in _INDEXES.items():
        if (listed / name).is_file():
            return unpacked((listed / name).read_bytes()).decode(errors="replace").split("\n\n")
    return []
