"""lock: write down exactly which packages the lists of an osimage mean now, and bring them into a mirror."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sbkernel.errors import BuildError, DefinitionError, ListFileError
from sbkernel.files import made, write_whole
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.genimage import Build
from sbkernel.images.locking import mirror as mirrors
from sbkernel.images.locking.answer import answer, differences, lock_of
from sbkernel.images.locking.lockfile import Lock as Lock
from sbkernel.images.locking.lockfile import (
    body,
    is_lock,
    parse,
    path_of_lock,
    read_lock,
    render,
)
from sbkernel.images.locking.mirror import Filled
from sbkernel.images.manifests import of_version
from sbkernel.images.plan import digest_of
from sbkernel.images.spec import ImageSpec, attributes_of
from sbkernel.jobs import origin
from sbkernel.jobs.report import NullReport, Report
from sbkernel.lists.text import encoded
from sbkernel.site import Site
from sbkernel.units import shortened

_SHOWN = 20


@dataclass(frozen=True)
class Done:
    """The lock of an image as it is now, what has changed in it, and whether the sources could not be asked.

    `untold` is that of the Resolution.
    """

    lock: Lock
    changes: tuple[str, ...] = ()
    written: bool = False
    offline: bool = False
    untold: tuple[str, ...] = ()


def lock(site: Site, image: str, *, file: str = "", update: bool = False, report: Report | None = None) -> Done:
    """Write down which packages the lists of an osimage mean now, in its lock or in another file.

    A lock that says so already stays as it is. One that says anything else is replaced with `update`, and is an error
    without; so is a file that is no lock. Raises what genimage raises before it builds.
    """
    build = Build.open(site, image, report or NullReport())
    path = path_of_lock(site, image, build.spec.osvers, file or True)
    old = _old(path, update=update)
    resolution = build.resolve().resolution
    new = lock_of(build.spec, resolution, old.mirror if old else "")
    changes = _changes(build.spec, old, new) if old else ()
    if old and changes and not update:
        raise BuildError(
            "\n".join([f"{path} has another answer than the mirrors have now:", *_indented(changes)]),
            hint=f"sb lock --update {image} takes the new one",
        )
    if old and (body(old) == body(new) or not update):
        return Done(old, offline=resolution.offline)
    return Done(_write(path, new), changes, written=True, offline=resolution.offline)


def lock_security(site: Site, image: str, file: Path, report: Report | None = None) -> Done:
    """Write a lock of what nodes boot of an osimage, with what its sources have newer for security.

    Raises what genimage raises before it builds, NotFoundError if nothing was promoted, BuildError where the sources do
    not tell what is for security.
    """
    build = Build.open(site, image, report or NullReport())
    installed = {one.name: one.version for one in of_version(Catalog(site).current(image))}
    with build.report.phase("resolve packages"):
        resolution = build.spec.manager.resolve_security(installed, build.report)
    written = _write(file, lock_of(build.spec, resolution))
    return Done(written, written=True, offline=resolution.offline, untold=resolution.untold)


def check(site: Site, image: str, *, file: str = "", report: Report | None = None) -> Done:
    """Compare the lock of an osimage with what its lists mean now, and with its mirror; nothing is changed.

    `changes` is empty if all is as the lock says. Raises what genimage raises before it builds, NotFoundError if there
    is no lock.
    """
    build = Build.open(site, image, report or NullReport())
    found = read_lock(path_of_lock(site, image, build.spec.osvers, file or True))
    resolution = build.resolve().resolution
    changes = _changes(build.spec, found, lock_of(build.spec, resolution))
    missing = mirrors.wanting(found, build.spec.manager.downloads) if found.mirror else []
    lacks = [f"the mirror lacks {one}, or has it damaged" for one in missing]
    return Done(found, (*changes, *shortened(lacks, _SHOWN)), offline=resolution.offline)


def mirror(
    site: Site,
    images: Sequence[str],
    directory: Path,
    *,
    file: str = "",
    update: bool = False,
    prune: bool = False,
    report: Report | None = None,
) -> list[tuple[Done, Filled]]:
    """Bring the packages of the locks of osimages into a local mirror, which the locks then name.

    An image without a lock gets one; others are taken as they are, unless `update`, and no source is asked what there
    is. Raises as `lock`, and BuildError when nobody has a package any more.
    """
    report = report or NullReport()
    if not directory.is_absolute() or ".." in directory.parts or not str(directory).isprintable():
        raise DefinitionError(f"{directory} is no place for a mirror", hint="name its full path")
    return [_mirror(site, image, directory, file, update, prune, report) for image in images]


def _mirror(
    site: Site, image: str, directory: Path, file: str, update: bool, prune: bool, report: Report
) -> tuple[Done, Filled]:
    path = path_of_lock(site, image, attributes_of(site, image).get("osvers", ""), file or True)
    made_now = update or not path.exists()
    done = lock(site, image, file=file, update=update, report=report) if made_now else Done(read_lock(path))
    spec = Build.open(site, image, report).spec
    answer(spec, done.lock)
    if done.lock.mirror != str(directory):
        done = replace(done, lock=_write(path, replace(done.lock, mirror=str(directory))), written=True)
    return done, mirrors.fill(done.lock, path.read_bytes(), spec.manager, report, prune=prune)


def _old(path: Path, *, update: bool) -> Lock | None:
    """Return the lock that is there; a damaged one counts for none when it is to be replaced."""
    if not path.exists():
        return None
    if not is_lock(path):
        raise ListFileError(path, 1, "this is no lock", hint="name another file by -o")
    with suppress(*([ListFileError] if update else [])):
        return read_lock(path)
    return None


def _changes(spec: ImageSpec, old: Lock, new: Lock) -> tuple[str, ...]:
    if found := differences(old, new):
        return tuple(shortened(found, 100))
    inputs = [digest_of(spec.manager.inputs(one.resolution)) for one in (old, new)]
    return () if inputs[0] == inputs[1] else ("the packages are the same, but not why or from where they come",)


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in shortened(lines, _SHOWN))


def _write(path: Path, new: Lock) -> Lock:
    """Write a lock, and read it again: what is kept can be read."""
    now = origin.signed()
    text = render(new, f"Locked {datetime.fromtimestamp(now['t'], UTC):%Y-%m-%d} by {now['by']} on {now['host']}.")
    read = parse(text, str(path))
    write_whole(made(path.parent) / path.name, encoded(text), durable=True)
    return read
