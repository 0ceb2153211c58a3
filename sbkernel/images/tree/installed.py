"""Read what is installed in a root tree, by whichever package database it has; the tree is not changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sbkernel.errors import NotFoundError
from sbkernel.images.families import families
from sbkernel.images.families.package_manager import Installed, Recorded
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.packages import manifest, treefile
from sbkernel.packages.manifest import Manifest, Release

OS_RELEASE = ("etc/os-release", "usr/lib/os-release")


class NoDatabaseError(NotFoundError):
    """A tree has no package database."""


def wanted() -> list[str]:
    """Return the paths in a tree, with wild cards, that a manifest is made of."""
    return [*OS_RELEASE, *(path for family in families() for path in family.wanted)]


def of_tree(tree: Path, *, name: str = "", kind: str = "tree", recorded: Recorded | None = None) -> Manifest:
    """Return what is installed in a root tree; nothing in the tree is changed.

    `recorded` adds what the tree itself does not tell. The manifest was made when the package database was.
    Raises NoDatabaseError when the tree has no package database, BuildError when that cannot be read.
    """
    found = _installed(tree, recorded or Recorded())
    if found is None:
        raise NoDatabaseError(f"{tree} has no package database", hint="is it a root tree of dpkg or rpm?")
    return manifest.manifest(
        found.packages,
        family=found.family,
        name=name or str(tree),
        kind=kind,
        release=_release(tree),
        made=found.made,
        warnings=found.warnings,
    )


def of_built(built: RootimgDir, image: str) -> Manifest:
    """Return what is in a tree that genimage built; its own manifest, unless the package database has changed since."""
    record = built.record()
    if record and built.manifest.exists():
        found = manifest.from_json(built.manifest.read_text(), built.manifest)
        if found.made == database_time(built.tree):
            return replace(found, name=image)
    return of_record(built.tree, image, record)


def of_record(tree: Path, image: str, record: Mapping[str, Any]) -> Manifest:
    """Return what is in a tree with what genimage has recorded: who was asked for, where it came from.

    A tree without a package database has an empty manifest.
    """
    asked = record.get("asked")
    origins = {name: (origin[0], origin[1]) for name, origin in record.get("origins", {}).items()}
    recorded = Recorded(None if asked is None else frozenset(asked), origins)
    try:
        return of_tree(tree, name=image, kind="image", recorded=recorded)
    except NoDatabaseError:
        return manifest.manifest([], name=image, kind="image", release=_release(tree))


def database_time(tree: Path) -> int | None:
    """Return when the package database of a tree was written, in seconds since the epoch; None when it has none."""
    return next((time for family in families() if (time := family.database_time(tree)) is not None), None)


def _installed(tree: Path, recorded: Recorded) -> Installed | None:
    found = (family.installed(tree, recorded) for family in families())
    return next((installed for installed in found if installed is not None), None)


def _release(tree: Path) -> Release:
    texts = (treefile.read(tree, name) for name in OS_RELEASE)
    return next((treefile.release(text) for text in texts if text), Release())
