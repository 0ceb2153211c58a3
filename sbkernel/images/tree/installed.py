"""What is installed in a root tree, by the package database that it has; the tree is not changed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sbkernel.errors import BuildError, NotFoundError
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.jobs.run import run
from sbkernel.packages import manifest, release
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.readers import PROGRAMS, READERS
from sbkernel.packages.readers.reader import NOTHING, Origin, Reader, Recorded

WANTED = (*release.FILES, *(file for reader in READERS for file in reader.files))
"""All that a manifest is made of, as paths and patterns below the root."""


class NoDatabaseError(NotFoundError):
    """A tree has no package database."""


def of_tree(tree: Path, *, name: str = "", kind: str = "tree", recorded: Recorded = NOTHING) -> Manifest:
    """Return what is installed in a root tree; nothing in the tree is changed.

    `recorded` adds what the tree itself does not tell. The manifest was made when the package database was.
    Raises NoDatabaseError when the tree has no package database, BuildError when that cannot be read.
    """
    found = _database(tree)
    if found is None:
        raise NoDatabaseError(f"{tree} has no package database", hint=f"is it a root tree of {' or '.join(PROGRAMS)}?")
    reader, database = found
    read = reader.of_tree(tree, database, recorded, _output)
    return manifest.manifest(
        read.packages,
        family=reader.family,
        name=name or str(tree),
        kind=kind,
        release=release.of_tree(tree),
        made=_time(database),
        warnings=read.warnings,
    )


def paths(tree: Path, names: Collection[str]) -> dict[str, list[str]]:
    """Return the absolute paths in installed packages by name; nothing for a tree whose database cannot be read."""
    found = _database(tree)
    try:
        return found[0].paths(tree, found[1], names, _output) if found else {}
    except BuildError:
        return {}


def of_built(built: RootimgDir, image: str) -> Manifest:
    """Return what is in a tree that genimage built; its own manifest, unless the package database has changed since."""
    record = built.record()
    database = _database(built.tree)
    if record and database and built.manifest.exists():
        found = manifest.from_json(built.manifest.read_text(), built.manifest)
        if found.made == _time(database[1]):
            return replace(found, name=image)
    return of_record(built.tree, image, record)


def of_record(tree: Path, image: str, record: Mapping[str, Any]) -> Manifest:
    """Return what is in a tree with what genimage has recorded: who was asked for, where it came from.

    A tree without a package database has an empty manifest.
    """
    asked = record.get("asked")
    origins = {name: Origin(*origin) for name, origin in record.get("origins", {}).items()}
    recorded = Recorded(None if asked is None else frozenset(asked), origins)
    container = "@".join(record.get("container", {}).values())
    try:
        return replace(of_tree(tree, name=image, kind="image", recorded=recorded), container=container)
    except NoDatabaseError:
        return manifest.manifest([], name=image, kind="image", release=release.of_tree(tree), container=container)


def _database(tree: Path) -> tuple[Reader, Path] | None:
    """Return the package database of a tree, and who reads it."""
    for reader in READERS:
        if (database := reader.database(tree)) is not None:
            return reader, database
    return None


def _time(database: Path) -> int:
    return int(database.stat().st_mtime)


def _output(argv: Sequence[str | os.PathLike[str]], env: Mapping[str, str]) -> str:
    return run(argv, env=env).stdout
