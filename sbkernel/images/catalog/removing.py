"""Remove versions from the catalog: out of sight by one rename, in turn, then their bytes.

Killed in between, a version is there whole or not at all; what is left of it goes with the next collection.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sbkernel.files import hold, sync
from sbkernel.images.catalog import digests
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.collecting import Item, Needs, Rule, decide
from sbkernel.images.catalog.version import ImageVersion

IN_USE = "in use now"
Marks = Mapping[str, int]


def look(catalog: Catalog) -> Marks:
    """Return by digest when each version was last used (ns), without those that are in use now.

    Look before you ask who refers to what: a version that is used afterwards may be referred to by then.
    """
    with catalog.turn():
        return {version.digest: _mark(version) for version in catalog.versions() if not _in_use(version)}


def plan(catalog: Catalog, referred: Mapping[str, Sequence[str]], rule: Rule) -> dict[str, Item]:
    """Return by digest what would stay and why, and what would go."""
    versions = catalog.versions()
    pointers = {image: catalog.pointers(image) for image in {version.image for version in versions}}
    handed_out = {version.digest: _handed_out(version) for version in versions}
    return decide(versions, Needs(pointers, referred, handed_out), rule, time.time())


def collect(catalog: Catalog, seen: Marks, referred: Mapping[str, Sequence[str]], rule: Rule) -> dict[str, Item]:
    """Remove what nothing keeps; return by digest what stayed and why, and what is gone.

    `seen` is what look() returned before `referred` was gathered. In turn, so that no pointer moves and no version
    is taken into use between the decision and the rename.
    """
    gone: list[Path] = []
    with catalog.turn():
        found = plan(catalog, referred, rule)
        for digest in [digest for digest, item in found.items() if item.goes]:
            version = catalog.get(digest)
            if seen.get(digest) != _mark(version):
                found[digest] = replace(found[digest], why=(IN_USE,))
                continue
            gone.append(catalog.path / f".gone-{digest}-{os.getpid()}")
            version.dir.rename(gone[-1])
        sync(catalog.path)
        digests.prune(catalog.path, catalog.versions())
    for directory in gone:
        shutil.rmtree(directory)
    return found


def sweep(catalog: Catalog) -> int:
    """Remove what killed collections and packings have left; return how many bytes. Only one may do it at a time."""
    with catalog.turn():
        catalog.sweep()
        freed = digests.prune(catalog.path, catalog.versions())
    left = [path for directory in catalog.path.glob(".gone-*") for path in (*directory.iterdir(), directory)]
    # A root that a version has, too, frees nothing.
    freed += sum(path.stat().st_size for path in left if path.is_file() and path.stat().st_nlink == 1)
    for directory in catalog.path.glob(".gone-*"):
        shutil.rmtree(directory)
    return freed


def _in_use(version: ImageVersion) -> bool:
    try:
        os.close(hold(version.dir / "image.json", wait=False))
    except BlockingIOError:
        return True
    return False


def _mark(version: ImageVersion) -> int:
    return version.dir.stat().st_mtime_ns


def _handed_out(version: ImageVersion) -> float:
    """Return when a boot file named it last (epoch); 0.0 if none ever did: image.json was written last then."""
    with contextlib.suppress(FileNotFoundError):
        mark = _mark(version)
        return mark / 1e9 if mark > (version.dir / "image.json").stat().st_mtime_ns else 0.0
    return 0.0
