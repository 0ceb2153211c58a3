"""Copy a disc to its place: each file beside its name and then renamed, and what is there already left alone.

A directory that is not there yet is filled beside its place and renamed when it is whole; a run that was killed goes on
there. One that is there is brought up to date, its indexes last, so that it can be read at any time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel.errors import BuildError, JobCancelledError
from sbkernel.files import made
from sbkernel.images import space
from sbkernel.images.media.medium import Medium, leads_out
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.jobs.report import Report
from sbkernel.jobs.run import run
from sbkernel.units import size

_NEW = ".copycds.new"
"""A file on its way; only one at a time is written into a directory."""


@dataclass(frozen=True)
class Copied:
    """What a copy did: files and bytes that were written, files that were there, links that lead out of the disc."""

    written: int
    written_bytes: int
    there: int
    left_out: Sequence[str]


def beside(place: Path) -> Path:
    """Return where a directory is filled before it gets its name; its dot keeps it from web servers and listings."""
    return place.with_name(f".{place.name}.copying")


def check_room(copies: Sequence[tuple[Medium, Path]]) -> None:
    """Raise BuildError when what is still to be copied of all these media does not fit where it goes."""
    needed: dict[int, int] = {}
    for medium, place in copies:
        target = _target(place)
        above = next(one for one in (target, *target.parents) if one.exists())
        state, device = os.statvfs(above), above.stat().st_dev
        missing = [count for path, count in medium.files.items() if _size(target / path) != count]
        # A file takes whole blocks.
        needed[device] = needed.get(device, 0) + sum(missing) + len(missing) * state.f_frsize
        if (free := state.f_bavail * state.f_frsize) < needed[device]:
            raise BuildError(
                f"no room for {medium.source} in {place}: {size(needed[device])} are needed, {size(free)} are free",
                hint="nothing was copied; free some room, or copy it elsewhere with -p",
            )


def copy(medium: Medium, place: Path, last: Sequence[str], report: Report) -> Copied:
    """Copy a medium to a directory, files below the directories named `last` after all others.

    Raises BuildError when the disc is damaged or the disk full; then nothing is left of a directory that was new.
    Killed or cancelled, it leaves what it has copied beside the place, for the next run.
    """
    target = _target(place)
    made(target)
    try:
        _remove_leftovers(medium, target, new=target != place)
        copied = _fill(medium, target, last, report)
        if target != place:
            target.rename(place)
    except JobCancelledError:
        raise
    except Exception as error:
        if target != place:
            remove_tree(target)
        if full := space.full(error, f"copy {medium.source}", place):
            raise full from error
        if isinstance(error, OSError):
            raise BuildError(f"{error.filename or place}: {error.strerror}") from error
        raise
    return copied


def _remove_leftovers(medium: Medium, target: Path, *, new: bool) -> None:
    """Remove what a killed run has left: a file on its way, and in a `new` directory all that is not of this medium."""
    for directory, folders, names in os.walk(target):
        links = [name for name in folders if Path(directory, name).is_symlink()]
        for full in (Path(directory, name) for name in (*names, *links)):
            path = str(full.relative_to(target))
            if full.name == _NEW or (new and path not in medium.files and path not in medium.links):
                full.unlink()


def _target(place: Path) -> Path:
    return place if place.exists() else beside(place)


def _fill(medium: Medium, target: Path, last: Sequence[str], report: Report) -> Copied:
    written = written_bytes = done = 0
    total = sum(medium.files.values())
    for path in sorted(medium.files, key=lambda one: (_is_below(one, last), one)):
        file = _inside(target, path)
        if not _same(medium, path, file):
            _write(medium, path, file)
            written += 1
            written_bytes += medium.files[path]
        done += medium.files[path]
        report.progress(done, total, size(done))
    left_out = list(_lay_links(medium, target))
    if written:
        # Before the directory gets its name: syncfs(2), which took a third of the time of waiting for each file.
        run(["sync", "--file-system", target])
    return Copied(written, written_bytes, len(medium.files) - written, left_out)


def _is_below(path: str, directories: Sequence[str]) -> bool:
    return any(name in path.split("/")[:-1] for name in directories)


def _inside(target: Path, path: str) -> Path:
    """Return where a file goes, its directory made; a link that is there in place of a directory is removed first."""
    directory = target
    for part in path.split("/")[:-1]:
        directory /= part
        if directory.is_symlink() or directory.is_file():
            directory.unlink()
        made(directory)
    return target / path


def _same(medium: Medium, path: str, file: Path) -> bool:
    """Tell whether a file is there with exactly this content: what a crash has left may have the right size."""
    if _size(file) != medium.files[path]:
        return False
    with file.open("rb", buffering=0) as there:
        return all(there.read(len(chunk)) == chunk for chunk in medium.chunks(path))


def _size(file: Path) -> int:
    """Return the size of a regular file, or -1."""
    with contextlib.suppress(OSError):
        if not file.is_symlink() and file.is_file():
            return file.lstat().st_size
    return -1


def _write(medium: Medium, path: str, file: Path) -> None:
    """Write a file beside its place, readable to all and never more, and rename it there."""
    new = file.with_name(_NEW)
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as out:
            for chunk in medium.chunks(path):
                _write_all(out.fileno(), chunk)
            os.fchmod(out.fileno(), 0o644)
        if file.is_dir() and not file.is_symlink():
            remove_tree(file)
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _lay_links(medium: Medium, target: Path) -> Iterator[str]:
    """Make the links of a disc, and yield those that lead out of it, which are left out."""
    for path, says in sorted(medium.links.items()):
        if leads_out(path, says):
            yield path
            continue
        link = _inside(target, path)
        if link.is_symlink() and str(link.readlink()) == says:
            continue
        if link.is_dir() and not link.is_symlink():
            continue  # another disc of the set has a directory there
        link.unlink(missing_ok=True)
        link.symlink_to(says)
