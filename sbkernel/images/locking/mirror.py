"""A directory that holds exactly the packages of locks, as a repository of their family; several images share one.

DIR/OSVERS/OSARCH/: pool/ with the files, the family's index, and locks/ with the locks that it is for. What it lists
is whole: files come before the index, and go after it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.files import in_turn, made, write_if_changed, write_whole
from sbkernel.images import space
from sbkernel.images.families.downloads import Downloads, is_exactly
from sbkernel.images.families.package_manager import PackageManager
from sbkernel.images.families.places import shown
from sbkernel.images.families.resolved import GoneError, Resolution, Resolved
from sbkernel.images.locking.lockfile import Lock, parse
from sbkernel.images.plan import digest_of
from sbkernel.jobs.report import Report
from sbkernel.lists.text import decoded

_POOL = "pool/main"
_LOCKS = "locks"
_LISTED = ".listed"


@dataclass(frozen=True)
class Filled:
    """What was done to a mirror: the packages brought or made whole, and the files that no lock of it needs."""

    place: Path
    packages: int
    brought: int
    unneeded: tuple[str, ...]
    removed: tuple[str, ...]


def place_of(lock: Lock) -> Path:
    """Return where in its mirror the packages of a lock lie."""
    return Path(lock.mirror, lock.osvers, lock.osarch)


def file_of(downloads: Downloads, package: Resolved) -> str:
    """Return where the file of a package lies in a mirror."""
    return f"{_POOL}/{package.name[0]}/{downloads.file_name(package)}"


def fetch(lock: Lock | None, manager: PackageManager, resolution: Resolution, report: Report) -> None:
    """Bring packages into the cache: those of a lock from its mirror where it has them, the others by address.

    BuildError when nobody has one of them any more.
    """
    remarks = _stock(lock, manager.downloads, report) if lock and lock.mirror else {}
    try:
        manager.fetch(resolution, report)
    except GoneError as error:
        if lock is None:
            raise
        where = shown(error.package.uri)
        said = [f"nobody has exactly the package that {lock.file} names: {error.package}, {where}"]
        raise BuildError(
            "\n".join([*said, *filter(None, [remarks.get(error.package), error.said])]),
            hint=f"bring its file into the mirror, or take what there is now: sb lock --update {lock.image}",
        ) from error


def _stock(lock: Lock, downloads: Downloads, report: Report) -> Mapping[Resolved, str]:
    """Take into the cache what the mirror has and the cache has not; return what is wrong with the other files."""
    place = place_of(lock)
    missing = downloads.missing(lock.packages)
    if missing and not place.is_dir():
        report.log(f"there is no mirror {place}")
    remarks = {one: remark for one in missing if (remark := _wrong(place / file_of(downloads, one), one))}
    for remark in remarks.values() if place.is_dir() else ():
        report.log(remark)
    good = [one for one in missing if one not in remarks]
    downloads.fetch(good, _from(lambda package: place / file_of(downloads, package)), report)
    return remarks


def _wrong(file: Path, package: Resolved) -> str:
    if is_exactly(file, package.sha256):
        return ""
    return f"{file} is " + ("not what the lock says" if file.exists() else "not there")


def _from(source: Callable[[Resolved], Path]) -> Callable[..., str]:
    """Return how files are brought from a directory of this host (families/downloads.py, Bring)."""

    def bring(wanted: Sequence[tuple[Resolved, Path]], tell: Callable[[int], None]) -> str:
        for done, (package, file) in enumerate(wanted, start=1):
            # The cache gives times and modes of its own, which are not for the mirror.
            shutil.copyfile(source(package), file)
            tell(done)
        return ""

    return bring


def fill(lock: Lock, text: str | bytes, manager: PackageManager, report: Report, *, prune: bool = False) -> Filled:
    """Make the mirror of a lock hold its packages, beside those of the other locks that it is for.

    `text` is the lock as it is kept. What is there and right stays; what no lock needs is told, and removed with
    `prune`. Killed at any time it lists nothing that is not there; a second run finishes. BuildError when two locks
    want different files of one name, or when nobody has a package any more.
    """
    place, downloads = place_of(lock), manager.downloads
    with in_turn(made(place) / ".turn"):
        others = [one for one in _locks(place) if one.image != lock.image]
        files = _files(downloads, [lock, *others])
        wrong = [one for one in lock.packages if not is_exactly(place / file_of(downloads, one), one.sha256)]
        with report.phase("bring packages", total=len(wrong)):
            _bring(replace(lock, packages=tuple(wrong)), manager, report)
        write_if_changed(made(place / _LOCKS) / f"{lock.image}.lock", text)
        _index(place, files, manager)
        spare = sorted(path for path in _there(place) if path not in files)
        for path in spare if prune else ():
            (place / path).unlink(missing_ok=True)
        removed, left = (spare, []) if prune else ([], spare)
        return Filled(place, len(files), len(wrong), tuple(left), tuple(removed))


def wanting(lock: Lock, downloads: Downloads) -> list[str]:
    """Return the files that the mirror of a lock lacks, or has otherwise; none on a host that has no such mirror."""
    place = place_of(lock)
    if not place.is_dir():
        return []
    files = ((place / file_of(downloads, one), one.sha256) for one in lock.packages)
    return [str(file) for file, sha256 in files if not is_exactly(file, sha256)]


def _locks(place: Path) -> list[Lock]:
    return [parse(decoded(file.read_bytes()), str(file)) for file in sorted((place / _LOCKS).glob("*.lock"))]


def _files(downloads: Downloads, locks: Iterable[Lock]) -> Mapping[str, Resolved]:
    """Return all packages by their path; BuildError when two locks want different ones there."""
    found: dict[str, tuple[Resolved, Lock]] = {}
    for lock in locks:
        for package in lock.packages:
            path = file_of(downloads, package)
            one, other = found.setdefault(path, (package, lock))
            if one.sha256 != package.sha256:
                raise BuildError(
                    f"{lock.image} and {other.image} are locked to different files of {package}",
                    hint="sb lock --update both, or give each a mirror of its own",
                )
    return {path: found[path][0] for path in sorted(found)}


def _bring(lock: Lock, manager: PackageManager, report: Report) -> None:
    """Put the packages of a lock into its mirror by way of the cache."""
    place = place_of(lock)
    for leftover in (place / _POOL).glob("*/.*.new"):
        leftover.unlink()
    if lock.packages:
        fetch(lock, manager, Resolution(lock.packages), report)
        for package in lock.packages:
            _link(manager.downloads.path(package), place / file_of(manager.downloads, package))


def _link(source: Path, target: Path) -> None:
    """Put a file of the cache there whole; it takes no space where hard links can be made."""
    beside = made(target.parent) / f".{target.name}.new"
    beside.unlink(missing_ok=True)
    try:
        os.link(source, beside)
    except OSError:
        space.check(source.stat().st_size, target.name, target.parent)
        shutil.copyfile(source, beside)
    beside.replace(target)


def _index(place: Path, files: Mapping[str, Resolved], manager: PackageManager) -> None:
    """Write the index unless it is of exactly these files."""
    digest = digest_of({path: package.sha256 for path, package in files.items()})
    with contextlib.suppress(FileNotFoundError):
        if (place / _LISTED).read_text() == digest:
            return
    (place / _LISTED).unlink(missing_ok=True)
    manager.write_mirror(place, files)
    write_whole(place / _LISTED, digest)


def _there(place: Path) -> list[str]:
    return [str(path.relative_to(place)) for path in (place / _POOL).glob("*/*") if path.is_file()]
