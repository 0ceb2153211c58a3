"""packimage: pack the root tree that genimage built and publish it in the catalog, as a plan that is executed.

xCAT packs in place, so that nodes booting meanwhile get errors; here nothing is visible until it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from sbkernel.definitions.refusals import refuse
from sbkernel.errors import BuildError
from sbkernel.files import made
from sbkernel.images import reviewed, rootimgdir
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.execute import execute
from sbkernel.images.layers.layers import Layers
from sbkernel.images.pack import unpacking
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.format import Format, PackOptions
from sbkernel.images.pack.formats import format_for
from sbkernel.images.pack.packing import Packing
from sbkernel.images.pack.steps import packimage_steps
from sbkernel.images.plan import Plan, Planned
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.shelf import DirectoryShelf
from sbkernel.images.spec import attributes_of
from sbkernel.images.sync.step import Sync, read_sync
from sbkernel.images.tree.timezone import check_timezone, kept
from sbkernel.jobs.lock import lock
from sbkernel.jobs.report import NullReport, Report
from sbkernel.lists import exlist
from sbkernel.lists.exlist import Exlist
from sbkernel.lists.text import paths_of
from sbkernel.site import Site


def packimage(
    site: Site,
    image: str,
    *,
    report: Report | None = None,
    method: str = "squashfs",
    compression: str = "zstd",
    level: int | None = None,
    block_size: str | None = None,
    nosyncfiles: bool = False,
    force: bool = False,
    plan: str = "",
    any_plan: bool = False,
) -> dict[str, Any]:
    """Pack and publish an image.

    Return image, digest, current, root_sha256, size (bytes), packages, warnings (what the format does not keep, what
    is odd about the sources of synclists), kept_for_boot (count of their lines), cached, seconds. `method` is one of
    pack/formats.py; `level` is that of the compression, 3 for zstd by default, and `block_size` that of squashfs, by
    default 128K. The files of synclists are laid over the tree, which stays as it is, and their scripts run in it,
    unless `nosyncfiles` leaves all of that for boot.

    When nothing has changed since it was packed, it is not packed again and `cached` is true, unless `force`. A file
    changed without a change of its size, mode, owner or time stamp goes unseen. `current`, the digest that nodes boot,
    is another than `digest` while a rollback holds. `plan` is the digest of the plan that was shown; when it has
    changed since, PlanChangedError tells how, unless `any_plan`. Killed at any time it publishes nothing, and a later
    run goes on behind the last finished step.
    Raises NotFoundError, BuildError, LockedError, ListFileError, DefinitionError.
    """
    report = report or NullReport()
    start = time.monotonic()
    packed = format_for(PackOptions(method, compression, level, block_size))
    with _packing(site, image, packed, report, nosyncfiles=nosyncfiles) as (catalog, packing):
        if plan:
            packing = packing.looked_at()
            reviewed.check(site, _plan(catalog, packing), plan, any_plan=any_plan, report=report)
        before = None if force else _packed_before(catalog, packing)
        version = before or _pack(site, catalog, packing, report)
    return {
        "image": image,
        "digest": version.digest,
        "current": catalog.pointers(image).current,
        "size": version.root_size,
        "root_sha256": version.root_sha256,
        "packages": version.data["packages"],
        "warnings": [*packing.lost, *(packing.sync.decision.warnings if packing.sync else ())],
        "kept_for_boot": len(version.syncfiles),
        "cached": before is not None,
        "seconds": round(time.monotonic() - start, 3),
    }


def plan_packimage(
    site: Site,
    image: str,
    *,
    method: str = "squashfs",
    compression: str = "zstd",
    level: int | None = None,
    block_size: str | None = None,
    nosyncfiles: bool = False,
    force: bool = False,
) -> Planned:
    """Return what packimage would do; nothing is changed. The plan is remembered, as that of genimage is."""
    packed = format_for(PackOptions(method, compression, level, block_size))
    with _packing(site, image, packed, NullReport(), nosyncfiles=nosyncfiles) as (catalog, packing):
        packing = packing.looked_at()
        plan = _plan(catalog, packing)
        reviewed.remember(site, plan)
        there = None if force else catalog.pointers(image).packed_from(packing.source)
        return Planned(plan, () if there and (catalog.path / there).is_dir() else plan.steps)


@contextmanager
def _packing(
    site: Site, image: str, packed: Format, report: Report, *, nosyncfiles: bool
) -> Iterator[tuple[Catalog, Packing]]:
    """Keep the tree for a block, and find out what of it goes into the image."""
    built = built_by_genimage(site, image)
    refuse(site.osimages[image], "genimage")
    with lock(built.path, "packimage"):
        with report.phase("compare"):
            patterns = _exlist(site, image, built)
            sync = read_sync(site, image, built.tree, nosyncfiles=nosyncfiles)
            for remark in (*patterns.warnings, *(sync.remarks if sync else ())):
                report.log(remark)
            content = content_of(built.tree, exclude=patterns.exclude, include=patterns.include)
            lost = packed.lost(content)
            for warning in lost:
                report.log(f"warning: {warning}")
            added = unpacking.programs(packed, image, built)
            lists = _lists(site.osimages[image].get("synclists"), patterns, sync)
            packing = Packing(image, built, built.record(), packed, content, added, lost, sync, patterns, lists)
        yield Catalog(site), packing


def _exlist(site: Site, image: str, built: RootimgDir) -> Exlist:
    """Return the exlist of an image; it takes away any time zone but that of the site."""
    patterns = exlist.load(paths_of(site.osimages[image].get("exlist")))
    zone = kept(built.tree, check_timezone(site.attribute("timezone"))) if patterns.exclude else ()
    return replace(patterns, include=(*patterns.include, *zone))


def _lists(synclists: str, patterns: Exlist, sync: Sync | None) -> list[Path]:
    """Return the files that say what is packed: exlists with what they include, synclists and their scripts."""
    named = [*(one.file for one in patterns.documents), *(one.line.file for one in patterns.rules)]
    scripts = [one.source.path for one in sync.decision.scripts] if sync else []
    return list(dict.fromkeys([*map(Path, named), *paths_of(synclists), *map(Path, scripts)]))


def built_by_genimage(site: Site, image: str) -> RootimgDir:
    """Return the directory an image was built in; BuildError if the build is missing or not whole."""
    built = RootimgDir(rootimgdir.checked(site, image, attributes_of(site, image)))
    for path, what in ((built.tree, "root tree"), (built.kernel, "kernel"), (built.initrd, "initrd")):
        if not path.exists():
            raise BuildError(
                f'Did you run "genimage" before running "packimage"? {what} cannot be found at {path}',
                hint=f"sb genimage {image}",
            )
    return built


def _plan(catalog: Catalog, packing: Packing) -> Plan:
    return Plan(packing.image, packimage_steps(packing, catalog))


def _packed_before(catalog: Catalog, packing: Packing) -> ImageVersion | None:
    """Return the version that was packed from the same before, published once more; the tree is looked at if needed."""
    pointers = catalog.pointers(packing.image)
    if not pointers.knows(packing.inputs):
        return None
    source = packing.looked_at().source
    digest = pointers.packed_from(source)
    return catalog.publish_again(packing.image, digest, source) if digest else None


def _pack(site: Site, catalog: Catalog, packing: Packing, report: Report) -> ImageVersion:
    plan = _plan(catalog, packing)
    with (
        packing.synced.place.opened() if packing.synced else nullcontext(),
        catalog.staging(plan.digest[:16]) as staged,
        DirectoryShelf.open(plan, staged.path, staged.path, {}, Layers(made(site.cache / "layers"))) as shelf,
    ):
        execute(plan, shelf, report)
    return catalog.get(catalog.pointers(packing.image).candidate)
