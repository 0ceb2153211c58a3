"""Read a version that was packed in layers as what a node sees of it, without mounting anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sbkernel.images.catalog.version import CONTENT_LIST, ImageVersion
from sbkernel.images.pack import formats, listing


def extract(version: ImageVersion, target: Path, patterns: Sequence[str]) -> None:
    """Unpack what a node sees of the files that match shell patterns. Raises BuildError, CommandError.

    What the content list names is seen as the topmost root has it that has it.
    """
    seen = listing.read(version.dir / CONTENT_LIST)
    for place, root in enumerate(reversed(version.roots)):
        layer = target.with_name(f"{target.name}.{place}")
        file = version.dir / root.name
        formats.opened(file).extract(file, layer, patterns)
        for path in sorted(layer.rglob("*")):
            name = path.relative_to(layer)
            goal = target / name
            entry = seen.get(f"./{name}")
            if entry and not entry.is_directory and not goal.is_symlink() and not goal.exists() and not path.is_dir():
                goal.parent.mkdir(parents=True, exist_ok=True)
                path.rename(goal)


def sizes(listed: Path) -> Iterator[tuple[str, int]]:
    """Return path and bytes of the plain files of a content list, one with several names once. Raises BuildError."""
    found = listing.read(listed)
    return ((path.removeprefix("./"), size) for path, size in listing.plain_files(found, found))
