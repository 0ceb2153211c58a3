"""mksquashfs alone: our options and exclusions, without what else packimage does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sbkernel.images.pack.squashfs import Squashfs, exclude_patterns
from sbkernel.jobs.run import run


def argv(tree: Path, output: Path, packed: Squashfs, exclude_file: Path) -> list[str]:
    """Return the command that packs a tree without the paths in the file."""
    quiet = ["-noappend", "-no-progress", "-quiet"]
    return ["mksquashfs", str(tree), str(output), *quiet, *packed.argv(), "-wildcards", "-ef", str(exclude_file)]


def pack(tree: Path, output: Path, packed: Squashfs, exclude_file: Path, made: int) -> None:
    """Pack a tree, with the date `made` as in ours. Raises CommandError."""
    output.unlink(missing_ok=True)
    words = [*argv(tree, output, packed, exclude_file), "-mkfs-time", str(made)]
    run(words, env={"SOURCE_DATE_EPOCH": None}, isolated=os.geteuid() != 0)


def write_exclusions(file: Path, excluded: Sequence[str]) -> None:
    """Write the paths to leave out in the form that mksquashfs reads."""
    file.write_text(exclude_patterns(excluded)[0], encoding="utf-8", errors="surrogateescape")


def paths(image: Path) -> set[str]:
    """Return the paths in a packed image, without the root itself."""
    listing = run(["unsquashfs", "-d", "", "-l", image]).stdout.splitlines()
    return {line.removeprefix("/") for line in listing if line.startswith("/") and line != "/"}


def unpack(image: Path, target: Path) -> Path:
    """Unpack a whole packed image and return the tree. Raises CommandError."""
    run(["unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-dest", target, image])
    return target


def made(image: Path) -> int:
    """Return when a packed image was made, in seconds since the epoch, from its superblock."""
    with image.open("rb") as stream:
        return int.from_bytes(stream.read(12)[8:], "little")
