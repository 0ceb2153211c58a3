"""imgcapture: from a running system to an osimage that boots: root tree, kernel and initrd in its rootimgdir.

xCAT captures disks only, packs into a file on the node first, ignores rootimgdir, and then installs the pkglist over
the tree in another place. Here the root comes as it is, of whatever kind of node, and stays as it came but for what is
only that node's.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, CommandError
from sbkernel.files import made
from sbkernel.images import space
from sbkernel.images.capture.captured import CAPTURED, Captured, ChangedFile, changes
from sbkernel.images.capture.chosen import Choice, Chosen, choose, remarks
from sbkernel.images.capture.look import Look, look_at
from sbkernel.images.capture.source import Source
from sbkernel.images.capture.steps import Capture, capture_steps
from sbkernel.images.capture.target import VERB, Target, target_of
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.version import CONTENT_LIST, ImageVersion
from sbkernel.images.execute import execute
from sbkernel.images.layers.layers import Layers
from sbkernel.images.pack import formats, stack
from sbkernel.images.plan import Plan
from sbkernel.images.provenance.made import PROVENANCE, public, run_facts
from sbkernel.images.rootimgdir import KERNEL, TREE
from sbkernel.images.shelf import DirectoryShelf
from sbkernel.images.tree.fstab import fstab_digest
from sbkernel.images.tree.namespaces import check_isolation, remove_tree
from sbkernel.jobs import origin
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.lists import exlist, lookup
from sbkernel.lists.exlist import Exlist
from sbkernel.site import Site
from sbkernel.units import plain

EXTENSION = "imgcapture.exlist"
ANY_PROFILE = "compute"
"""Whose list is taken where a profile has none of its own, as clones have not."""


@dataclass(frozen=True)
class CapturePlan:
    """What a capture would take, and what it would become."""

    target: Target
    look: Look
    chosen: Chosen
    exlist: Exlist
    lists: tuple[Path, ...]
    crossed: tuple[str, ...]

    @property
    def remarks(self) -> list[str]:
        """Return what whoever captures should know, a line each."""
        return [plain(one) for one in (*self.exlist.warnings, *remarks(self.look, self.chosen, self.crossed))]

    def __str__(self) -> str:
        """Return it as text."""
        lists = " ".join(map(str, self.lists)) or "none"
        lines = [f"{self.target.image}: {self.target.osvers} {self.target.osarch}, in {self.target.directory.path}"]
        return "\n".join([*lines, str(self.chosen), f"exlist: {lists}", *self.remarks])


def plan_imgcapture(
    site: Site,
    source: Source,
    image: str,
    *,
    parent: str = "",
    crossed: Sequence[str] = (),
    report: Report | None = None,
    **given: str,
) -> CapturePlan:
    """Look at a running system, and return what a capture would take of it; nothing is changed here or there.

    Raises what imgcapture raises before it takes anything.
    """
    with (report or NullReport()).phase(f"look at {source.name}"):
        look = look_at(source, crossed)
    target = target_of(site, image, parent, look, given)
    patterns, lists = _exlist(site, target)
    chosen = choose(look, patterns, source.brought, crossed)
    return CapturePlan(target, look, chosen, patterns, lists, tuple(crossed))


def imgcapture(
    site: Site,
    source: Source,
    image: str,
    *,
    parent: str = "",
    crossed: Sequence[str] = (),
    report: Report | None = None,
    **given: str,
) -> dict[str, Any]:
    """Capture the root of a running system as the tree of an osimage, with kernel and initrd; packimage packs it.

    An osimage that is missing is made: a clone of `parent` if there is one, else of its own. `given` are profile,
    nodebootif and netdrivers, which take the place of the osimage's and are stored. File systems that are mounted on
    the root stay out, but for the mount points in `crossed`.

    Returns image, rootimgdir, files, size (bytes), packages, kernelver, of (the version that had been booted),
    changed (count of files), remarks, seconds. Raises NodeError, BuildError, DefinitionError, LockedError,
    ListFileError. Killed at any time it leaves the tree and the definition that were there, and nothing on the node.
    """
    started, report = time.monotonic(), report or NullReport()
    planned = plan_imgcapture(site, source, image, parent=parent, crossed=crossed, report=report, **given)
    for line in [*str(planned.chosen).splitlines(), *planned.remarks]:
        report.log(line)
    target = planned.target
    check_isolation()
    with lock(target.directory.path, VERB):
        _make_room(planned)
        record = _execute(Capture(site, source, planned.look, planned.chosen, target, time.time()), planned, report)
    return {
        "image": image,
        "rootimgdir": str(target.directory.path),
        "files": len(planned.chosen.files),
        "size": planned.chosen.size,
        "packages": record["packages"],
        "kernelver": record["kernelver"],
        "of": record[CAPTURED]["of"],
        "changed": len(record[CAPTURED]["changes"]),
        "remarks": planned.remarks,
        "seconds": round(time.monotonic() - started, 1),
    }


def _exlist(site: Site, target: Target) -> tuple[Exlist, tuple[Path, ...]]:
    """Return what is left out, and from which list: the site's own for the profile, or for any, else ours."""
    where = lookup.directories(site, target.osvers)
    profiles = dict.fromkeys((target.profile, ANY_PROFILE))
    each = (lookup.find(where, one, target.osvers, target.osarch, EXTENSION) for one in profiles if one)
    files = tuple(file for file in each if file)[:1]
    return exlist.load(files), files


def _make_room(planned: CapturePlan) -> None:
    """Remove what killed runs have left, and raise BuildError if the disk has less space than the files take."""
    directory = planned.target.directory
    remove_tree(directory.old)
    remove_tree(directory.work)
    space.check(planned.chosen.disk, f"the files of {planned.target.image}", made(directory.path))


def _execute(capture: Capture, planned: CapturePlan, report: Report) -> dict[str, Any]:
    """Run the steps, define the osimage, put its tree in place of an old one; return the record."""
    directory, site = capture.target.directory, capture.site
    plan = Plan(capture.target.image, capture_steps(capture))
    with DirectoryShelf.open(plan, directory.path, directory.work, {}, Layers(made(site.cache / "layers"))) as shelf:
        execute(plan, shelf, report)
        said = _captured(capture, planned.exlist, report)
        outcomes = {name: asdict(one) for name, one in shelf.new.items()}
        facts = run_facts(["tar"], planned.lists, plan=plan.digest, attributes=public(capture.target.attributes))
        record = {
            "packages": outcomes["manifest.json"]["facts"]["packages"],
            "layer": str(said),
            "steps": plan.digests,
            "outcomes": outcomes,
            "kernelver": outcomes[KERNEL]["facts"]["kernelver"],
            "fstab": fstab_digest(shelf.path(TREE)),
            "made": time.time(),
            CAPTURED: said.record,
            PROVENANCE: {**facts, CAPTURED: said.origin},
        }
        capture.target.define(site)
        directory.publish(record)
        directory.copied.unlink(missing_ok=True)
        remove_tree(directory.old)
    return record


def _captured(capture: Capture, patterns: Exlist, report: Report) -> Captured:
    """Return what is recorded of a capture, with what had changed on the node since it booted."""
    booted, who = capture.booted, origin.signed()
    chosen, look = capture.chosen, capture.look
    if look.booted and booted is None:
        report.log(
            f"the catalog no longer has {short(look.booted)}, which the node had booted: nothing to compare with"
        )
    return Captured(
        capture.source.name, capture.t, who["by"], who["host"], look.kernel,
        str(Reference(booted.image, short(booted.digest))) if booted else "",
        len(chosen.files), chosen.size, chosen.left_out, _changes(capture, patterns, booted) if booted else (),
    )  # fmt: skip


def _changes(capture: Capture, patterns: Exlist, booted: ImageVersion) -> tuple[ChangedFile, ...]:
    why_not = Choice(patterns, capture.source.brought).why_not
    return changes(_files(booted), booted.created, capture.chosen.entries, why_not)


def _files(version: ImageVersion) -> dict[str, int]:
    """Return the plain files of a version by path, with their bytes."""
    listed = version.dir / CONTENT_LIST
    try:
        sizes = stack.sizes(listed) if listed.exists() else formats.opened(version.root).sizes(version.root)
        return {path.removeprefix(".").strip("/"): size for path, size in sizes}
    except CommandError as error:
        raise BuildError(f"{version.root} cannot be read as a packed image:\n{error.tail}") from error
