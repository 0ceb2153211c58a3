"""Packed roots by their own digest: catalog/layers/<sha256>.<format>, hard links to those of versions.

A root that several versions stand on has one address there, so that caches between a node and the catalog know it
again. Only versions that are packed in layers are served so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sbkernel.files import made, sync
from sbkernel.images.catalog.version import ImageVersion, Root

DIRECTORY = "layers"


def place(root: Root) -> str:
    """Return the path of a root below the catalog; how its name ends says its format."""
    return f"{DIRECTORY}/{root.sha256}.{root.name.rpartition('.')[2]}"


def serve(catalog: Path, version: ImageVersion) -> None:
    """Give the roots of a version their addresses, on the disk when this returns. Call it in turn, as prune()."""
    directory = made(catalog / DIRECTORY)
    for root in version.roots:
        file, target = version.dir / root.name, catalog / place(root)
        if not (target.exists() and target.samefile(file)):
            beside = target.with_name(f".{target.name}")
            beside.unlink(missing_ok=True)
            os.link(file, beside)
            beside.replace(target)
    sync(directory)


def prune(catalog: Path, versions: Iterable[ImageVersion]) -> int:
    """Remove what no version has any more and what killed publishings have left; return how many bytes that freed."""
    wanted = {place(root) for version in versions if version.layered for root in version.roots}
    freed = 0
    for file in sorted((catalog / DIRECTORY).glob("*")):
        if f"{DIRECTORY}/{file.name}" not in wanted:
            status = file.stat()
            freed += status.st_size if status.st_nlink == 1 else 0
            file.unlink()
    return freed
