"""Where the bytes of an image are: sums by directory, of a root tree or of a packed image, which is not unpacked."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from sbkernel.errors import BuildError, CommandError
from sbkernel.images.catalog.version import CONTENT_LIST
from sbkernel.images.pack import formats, stack

DEPTH = 3

Sizes = dict[str, int]


def of_root(root: Path, depth: int = DEPTH) -> Sizes:
    """Return the bytes of the plain files below each directory, down to `depth` of them; the rest is in the deepest.

    Bytes are those before packing. A file with several names counts once in a tree, once a name in a packed image,
    whose listing does not tell. The root of a version that was packed in layers stands for all of its stack.
    BuildError when a file is no packed image.
    """
    if root.is_dir():
        return summed(_walk(root), depth)
    listed = root.with_name(CONTENT_LIST)
    return summed(stack.sizes(listed) if listed.exists() else _packed(root), depth)


def summed(files: Iterable[tuple[str, int]], depth: int = DEPTH) -> Sizes:
    """Return the bytes directly in or below each directory that is at most `depth` deep, keyed usr/lib/x."""
    sizes: Sizes = defaultdict(int)
    for path, size in files:
        directory = path.strip("/").rpartition("/")[0]
        sizes["/".join(directory.split("/")[:depth])] += size
    return dict(sizes)


def _packed(file: Path) -> Iterator[tuple[str, int]]:
    try:
        yield from formats.opened(file).sizes(file)
    except CommandError as error:
        raise BuildError(f"{file} cannot be read as a packed image:\n{error.tail}") from error


def _walk(tree: Path) -> Iterator[tuple[str, int]]:
    seen: set[tuple[int, int]] = set()
    todo = [tree]
    while todo:
        directory = todo.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(directory / entry.name)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    if (status.st_dev, status.st_ino) not in seen:
                        seen.add((status.st_dev, status.st_ino))
                        yield str((directory / entry.name).relative_to(tree)), status.st_size
