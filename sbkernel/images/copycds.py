"""copycds: from discs, or the address of a mirror, to package sources and osimage definitions that build from them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, DefinitionError
from sbkernel.images.media.copying import Copied, check_room, copy
from sbkernel.images.media.directory import open_directory
from sbkernel.images.media.mirrors import is_mirror, readable_pkgdir
from sbkernel.images.media.opening import Identified, check_words, identify, recognised
from sbkernel.images.offered import Offered, define
from sbkernel.jobs.job import Job, submit
from sbkernel.jobs.launchers import HERE
from sbkernel.jobs.lock import lock
from sbkernel.jobs.order import Order
from sbkernel.jobs.report import NullReport, Report
from sbkernel.site import Site

TARGET = "sbkernel.images.copycds:copycds"
_PASSWORD = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True)
class Copying:
    """A disc that is to be copied: what it is, the tree that it belongs to, its own place, and what to say of it."""

    found: Identified
    tree: Path
    place: Path
    remarks: Sequence[str]


def order_copycds(site: Site, sources: Sequence[str], *, on: str = HERE, **options: Any) -> Job:
    """Order copycds as a job at the place `on`; `options` are those of copycds."""
    if any(map(_PASSWORD.search, sources)):
        raise DefinitionError(
            "an order is kept on disk, so no address in it may have a password",
            hint="call sbkernel.images.copycds.copycds, or set pkgdir by chdef",
        )
    whole = [one if is_mirror(one) else str(Path(one).absolute()) for one in sources]
    if path := options.get("path"):
        options["path"] = str(_whole(path))
    return submit(site, Order("copycds", TARGET, {"sources": whole, **options}), on=on)


def copycds(
    site: Site,
    sources: Sequence[str | Path],
    *,
    name: str = "",
    arch: str = "",
    path: str | Path = "",
    define_images: bool = True,
    overwrite: bool = True,
    report: Report | None = None,
) -> dict[str, Any]:
    """Copy discs to <installdir>/<osvers>/<osarch>, or check mirrors, and define osimages that build from them.

    `sources` are ISO images, drives, or directories; or else addresses of mirrors as pkgdir has them, or the word host
    for the sources of this host. `name` and `arch` are osvers and osarch where a disc does not say them, `path` is
    another directory. Without `overwrite` a disc that is there already is refused; with it, it is compared, and what
    differs is copied again. An osimage that exists is never changed.

    Returns copied (a mapping a disc), made and kept (names of osimages), remarks, seconds. Raises
    NotFoundError, DefinitionError, LockedError and BuildError, all but a full or damaged disk before anything is
    copied. Killed at any time it leaves nothing under its final name that is not whole; the next run goes on.
    """
    started, to = time.monotonic(), report or NullReport()
    if any(map(is_mirror, map(str, sources))):
        offered, copied = _from_mirrors(site, list(map(str, sources)), name, arch, define_images, to), []
    else:
        plan = plan_copycds(site, sources, name=name, arch=arch, path=path, overwrite=overwrite)
        copied = _copy(plan, to)
        offered = _define(site, plan) if define_images else Offered([], [], [])
    return {
        "copied": copied,
        "made": offered.made,
        "kept": offered.kept,
        "remarks": offered.remarks,
        "seconds": round(time.monotonic() - started, 1),
    }


def plan_copycds(
    site: Site,
    sources: Sequence[str | Path],
    *,
    name: str = "",
    arch: str = "",
    path: str | Path = "",
    overwrite: bool = True,
) -> list[Copying]:
    """Return what copycds would copy where; raise all that it would, and change nothing."""
    files = dict.fromkeys(Path(one).resolve() for one in sources)
    plan = [_copying(site, identify(one, name, arch), path, overwrite=overwrite) for one in files]
    if path and len({(one.found.disc.osvers, one.found.disc.osarch) for one in plan}) > 1:
        raise DefinitionError("-p is for discs of one distribution", hint="copy the others in a run of their own")
    for number, one in enumerate(plan):
        twin = next((other for other in plan[:number] if other.place == one.place), None)
        if twin is not None:
            raise BuildError(
                f"{twin.found.medium.source} and {one.found.medium.source} are both disc {one.found.disc.number} of "
                f"{one.found.disc.osvers}",
                hint="copy one of them to another directory with -p",
            )
    check_room([(one.found.medium, one.place) for one in plan])
    return plan


def _copying(site: Site, found: Identified, path: str | Path, *, overwrite: bool) -> Copying:
    disc = found.disc
    tree = _whole(path) if path else site.installdir / disc.osvers / disc.osarch
    if "," in str(tree) or tree == Path("/"):
        raise DefinitionError(f"{tree} cannot be a pkgdir", hint="choose a directory without a comma in its name")
    place = tree if disc.number == 1 else tree / f"disc{disc.number}"
    remarks = found.family.media.check(found.medium, disc)
    source = found.medium.source
    if source == tree or source.is_relative_to(tree) or tree.is_relative_to(source):
        raise DefinitionError(f"{source} and {tree} are within each other", hint="pkgdir can name a directory itself")
    if _holds_it(found, place) and not overwrite:
        raise BuildError(f"{place} holds this disc already", hint="without -w it is compared, and mended")
    return Copying(found, tree, place, remarks)


def _whole(path: str | Path) -> Path:
    """Return the full path of a directory, without the .. that would stay in pkgdir; links stay."""
    return Path(os.path.normpath(Path(path).absolute()))


def _holds_it(found: Identified, place: Path) -> bool:
    """Tell whether a place holds the disc; BuildError when it holds something else."""
    if not place.exists():
        return False
    there = open_directory(place)
    if all(re.match(r"disc\d+/", file) for file in there.files):
        return False
    holds, says = recognised(there)[1], found.says
    same = (holds and (holds.osvers, holds.osarch)) == (says and (says.osvers, says.osarch))
    indexes = found.family.media.indexes
    if not same or (holds is None and not any(name in file.split("/") for file in there.files for name in indexes)):
        what = holds.osvers if holds else "other files"
        raise BuildError(f"{place} holds {what}", hint="choose another directory with -p, or another name with -n")
    return True


def _copy(plan: Sequence[Copying], report: Report) -> list[dict[str, Any]]:
    copied = []
    with ExitStack() as locks:
        for tree in dict.fromkeys(one.tree for one in plan):
            locks.enter_context(lock(tree, "copycds", what="directory"))
        for one in plan:
            medium = one.found.medium
            with report.phase(f"copy {medium.source.name}"[:32], sum(medium.files.values())):
                done = copy(medium, one.place, one.found.family.media.indexes, report)
            copied.append(_as_data(one, done))
    return copied


def _as_data(one: Copying, done: Copied) -> dict[str, Any]:
    return {
        "source": str(one.found.medium.source),
        "place": str(one.place),
        "osvers": one.found.disc.osvers,
        "osarch": one.found.disc.osarch,
        "written": done.written,
        "written_bytes": done.written_bytes,
        "there": done.there,
        "left_out": list(done.left_out),
        "remarks": list(one.remarks),
    }


def _define(site: Site, plan: Sequence[Copying]) -> Offered:
    offered = Offered([], [], [])
    for tree, disc in {str(one.tree): one.found.disc for one in plan}.items():
        for names, more in zip(offered, define(site, disc.osvers, disc.osarch, tree), strict=True):
            names.extend(more)
    return offered


def _from_mirrors(
    site: Site, sources: Sequence[str], name: str, arch: str, define_images: bool, report: Report
) -> Offered:
    """Check that mirrors can be read, and define osimages that build from them."""
    if not name:
        raise DefinitionError("what a mirror has must be said", hint="give its name: -n rocky9.4")
    arch = arch or os.uname().machine
    check_words(name, arch)
    with report.phase("read the package sources"):
        pkgdir = readable_pkgdir(site, sources, name, arch, report)
    return define(site, name, arch, pkgdir) if define_images else Offered([], [], [])
