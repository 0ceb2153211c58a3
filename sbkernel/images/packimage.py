"""packimage: pack the root tree that genimage built and publish it in the catalog, as a plan that is executed.

xCAT packs in place, so that nodes booting meanwhile get errors; here nothing is visible until it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sbkernel.definitions.refusals import refuse
from sbkernel.errors import BuildError, NotFoundError
from sbkernel.files import made
from sbkernel.images import reviewed, rootimgdir
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import Reference, short
from sbkernel.images.catalog.signatures import signer
from sbkernel.images.catalog.version import ImageVersion, file_facts
from sbkernel.images.execute import execute
from sbkernel.images.initrd.rootkinds import root_kinds
from sbkernel.images.layers.layers import Layers
from sbkernel.images.pack import needs
from sbkernel.images.pack import verity as hash_tree
from sbkernel.images.pack.content import content_of
from sbkernel.images.pack.format import Format, PackOptions
from sbkernel.images.pack.formats import format_for
from sbkernel.images.pack.layering import layering
from sbkernel.images.pack.packing import Packing
from sbkernel.images.pack.steps import is_stale, packimage_steps, who_packs
from sbkernel.images.plan import Facts, Plan, Planned
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
    compression: str = "",
    level: int | None = None,
    block_size: str | None = None,
    verity: bool = False,
    nosyncfiles: bool = False,
    layered: bool = False,
    flat: bool = False,
    force: bool = False,
    gated: bool = False,
    plan: str = "",
    any_plan: bool = False,
) -> dict[str, Any]:
    """Pack and publish an image.

    Return image, digest, current, root_sha256, size (bytes that a node fetches), roots (bytes of each packed root, the
    bottom one first), flat (why there is only one although it is `layered`), packages, warnings (what the format does
    not keep, what is odd about the sources of synclists, a clock that was set back), kept_for_boot (count of their
    lines), cached, seconds.
    `method` is one of pack/formats.py; "" is its usual compression, of which `level` is one: 3 for zstd by default.
    `block_size` is that of squashfs, by default 128K, or of erofs, 64K. With `verity` a hash tree is packed behind a
    root, by which a node checks each block when it reads it. A site with a key (catalog/keys.py) signs what it packs.
    The files of synclists are laid over the tree, which stays as it is, and their scripts run in it, unless
    `nosyncfiles` leaves all of that for boot. `layered` packs only what differs from the version packed last, if that
    was packed so, too, and little differs; `flat` packs all of it, for layers to lie over.

    When nothing has changed since it was packed, it is not packed again and `cached` is true, unless `force`. A file
    changed without a change of its size, mode, owner or time stamp goes unseen. `current`, the digest that nodes boot,
    is another than `digest` while a rollback holds, with `gated`, and with a gate of the osimage. `plan` is the digest
    of the plan that was shown; when it has changed since, PlanChangedError tells how, unless `any_plan`. Killed at any
    time it publishes nothing, and a later run goes on behind the last finished step.
    Raises NotFoundError, BuildError, LockedError, ListFileError, DefinitionError.
    """
    report = report or NullReport()
    start = time.monotonic()
    packed = format_for(PackOptions(method, compression, level, block_size))
    words = _Words(verity, nosyncfiles, layered, flat)
    with _packing(site, image, packed, report, words) as (catalog, packing):
        if plan:
            packing = packing.looked_at()
            reviewed.check(site, _plan(catalog, packing), plan, any_plan=any_plan, report=report)
        packing = replace(packing, gated=gated)
        before = None if force else _packed_before(catalog, packing, words)
        version, why_flat = (before, "") if before else _pack(site, catalog, packing, report)
    return {
        "image": image,
        "digest": version.digest,
        "current": catalog.pointers(image).current,
        "size": version.roots_size,
        "roots": [root.size for root in version.roots],
        "flat": why_flat,
        "root_sha256": version.root_sha256,
        "packages": version.data["packages"],
        "warnings": [
            *packing.lost,
            *(packing.sync.decision.warnings if packing.sync else ()),
            *([] if before else _clock(catalog, version)),
        ],
        "kept_for_boot": len(version.syncfiles),
        "cached": before is not None,
        "seconds": round(time.monotonic() - start, 3),
    }


def plan_packimage(
    site: Site,
    image: str,
    *,
    method: str = "squashfs",
    compression: str = "",
    level: int | None = None,
    block_size: str | None = None,
    verity: bool = False,
    nosyncfiles: bool = False,
    layered: bool = False,
    flat: bool = False,
    force: bool = False,
) -> Planned:
    """Return what packimage would do; nothing is changed. The plan is remembered, as that of genimage is."""
    packed = format_for(PackOptions(method, compression, level, block_size))
    words = _Words(verity, nosyncfiles, layered, flat)
    with _packing(site, image, packed, NullReport(), words) as (catalog, packing):
        packing = packing.looked_at()
        plan = _plan(catalog, packing)
        reviewed.remember(site, plan)
        return Planned(plan, () if not force and _there(catalog, packing, words) else plan.steps)


class _Words(NamedTuple):
    """What is asked for beside the format."""

    verity: bool
    nosyncfiles: bool
    layered: bool
    flat: bool


@contextmanager
def _packing(
    site: Site, image: str, packed: Format, report: Report, words: _Words
) -> Iterator[tuple[Catalog, Packing]]:
    """Keep the tree for a block, and find out what of it goes into the image."""
    built = built_by_genimage(site, image)
    kinds = root_kinds(attributes_of(site, image))
    tree = words.verity or any(kind.hash_tree for kind in kinds.values())
    if tree:
        hash_tree.check_possible(packed)
    refuse(site.osimages[image], "genimage")
    with lock(built.path, "packimage"):
        with report.phase("compare"), ThreadPoolExecutor() as beside:
            files = {"kernel": built.kernel, "initrd": built.initrd}
            boot = {name: beside.submit(file_facts, file) for name, file in files.items()}
            patterns = _exlist(site, image, built)
            sync = read_sync(site, image, built.tree, nosyncfiles=words.nosyncfiles)
            for remark in (*patterns.warnings, *(sync.remarks if sync else ())):
                report.log(remark)
            content = content_of(built.tree, exclude=patterns.exclude, include=patterns.include)
            lost = packed.lost(content)
            for warning in lost:
                report.log(f"warning: {warning}")
            signs = signer(site)
            added = needs.programs(packed, image, built, tree=tree, signed=signs is not None, kinds=kinds)
            lists = _lists(site.osimages[image].get("synclists"), patterns, sync)
            catalog = Catalog(site)
            packing = Packing(
                image, built, built.record(), packed, content, tree, signs, added, lost, sync, patterns, lists
            )
            last = _last(catalog, image)
            packing = replace(
                packing,
                kinds=kinds,
                boot={name: facts.result() for name, facts in boot.items()},
                last=last.root if last else None,
            )
            if words.layered or words.flat:
                able = needs.stacks(built, str(packing.boot["initrd"]["sha256"]))
                over = layering(last, packed, packing.described, initrd_stacks=able, flat=words.flat)
                packing = replace(packing, layering=over)
        yield catalog, packing


def _last(catalog: Catalog, image: str) -> ImageVersion | None:
    """Return the version that was packed last; None if it was removed, or is damaged."""
    last = catalog.pointers(image).candidate
    with suppress(NotFoundError):
        return catalog.get(last) if last else None
    return None


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


def _plan(catalog: Catalog, packing: Packing, packed_by: Callable[[], Facts] | None = None) -> Plan:
    return Plan(packing.image, packimage_steps(packing, catalog, packed_by or partial(who_packs, packing)))


def _packed_before(catalog: Catalog, packing: Packing, words: _Words) -> ImageVersion | None:
    """Return the version that was packed from the same before, published once more; the tree is looked at if needed."""
    if not catalog.pointers(packing.image).knows(packing.inputs):
        return None
    looked = packing.looked_at()
    there = _there(catalog, looked, words)
    if there is None:
        return None
    return catalog.publish_again(packing.image, there.digest, looked.source, gated=packing.gated)


def _there(catalog: Catalog, looked: Packing, words: _Words) -> ImageVersion | None:
    """Return the version that was packed from the same before; None if it is gone, or is a stack and to be flat."""
    digest = catalog.pointers(looked.image).packed_from(looked.source)
    with suppress(NotFoundError):
        version = catalog.get(digest) if digest else None
        return None if version and words.flat and len(version.roots) > 1 else version
    return None


def _clock(catalog: Catalog, version: ImageVersion) -> list[str]:
    """Return a warning if one was published later than this one that is new: other sites will not take it for new."""
    newest = max(catalog.versions(version.image), key=lambda one: one.created)
    if newest.created <= version.created:
        return []
    name = Reference(newest.image, short(newest.digest))
    return [
        f"by the clock of this host it is {version.published}, and {name} is of {newest.published}: "
        "set the clock, and pack it anew with --force, or other sites take this one only with --allow-older"
    ]


def _pack(site: Site, catalog: Catalog, packing: Packing, report: Report) -> tuple[ImageVersion, str]:
    """Pack and publish; return the version, and why it is flat although it is packed in layers."""
    base = packing.layering.base if packing.layering else None
    with (
        ThreadPoolExecutor(1) as beside,
        catalog.using(Reference(base.image, base.digest)) if base else nullcontext(),
        packing.synced.place.opened() if packing.synced else nullcontext(),
    ):
        plan = _plan(catalog, packing, beside.submit(who_packs, packing).result)
        with (
            catalog.staging(plan.digest[:16]) as staged,
            DirectoryShelf.open(plan, staged.path, staged.path, {}, Layers(made(site.cache / "layers"))) as shelf,
        ):
            execute(plan, shelf, report, force=is_stale(packing, shelf))
            why_flat = str(shelf.facts(packing.format.file_name).get("flat", ""))
    return catalog.get(catalog.pointers(packing.image).candidate), why_flat
