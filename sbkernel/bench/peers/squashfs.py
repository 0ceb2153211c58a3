"""mksquashfs alone: our options and exclusions, without what else packimage does; and what a packed root holds."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from sbkernel.images.pack.squashfs.format import Squashfs
from sbkernel.jobs.run import run


def options(packed: Squashfs) -> list[str]:
    """Return the options of a format as mksquashfs takes them."""
    described = packed.described
    level = ["-Xcompression-level", str(described["level"])] if described["level"] else []
    return ["-comp", described["compression"], *level, "-b", described["block_size"]]


def pack(tree: Path, output: Path, packed: Squashfs, exclude_file: Path, made: int) -> None:
    """Pack a tree without the paths in the file, with the date `made` as in ours. Raises CommandError."""
    output.unlink(missing_ok=True)
    words = [
        "mksquashfs", str(tree), str(output), "-noappend", "-no-progress", "-quiet", *options(packed),
        "-wildcards", "-ef", str(exclude_file), "-mkfs-time", str(made),
    ]  # fmt: skip
    run(words, env={"SOURCE_DATE_EPOCH": None}, isolated=os.geteuid() != 0)


def write_exclusions(file: Path, excluded: Sequence[str]) -> None:
    """Write the paths to leave out in the form that mksquashfs reads; none of them has a line break."""
    file.write_text("".join(f"{_literal(path)}\n" for path in excluded), encoding="utf-8", errors="surrogateescape")


def _literal(path: str) -> str:
    """Return the wildcard pattern that matches one path and no other.

    Without -wildcards mksquashfs excludes by inode number, hard links elsewhere included. Its exclude file takes
    a leading `#` for a comment and strips blanks at both ends.
    """
    return re.sub(r"[\\*?\[\]()|!+@#\s]", r"\\\g<0>", path)


def paths(image: Path) -> set[str]:
    """Return the paths in a packed image, without the root itself."""
    listing = run(["unsquashfs", "-d", "", "-l", image]).stdout.splitlines()
    return {line.removeprefix("/") for line in listing if line.startswith("/") and line != "/"}


def unpack(image: Path, target: Path) -> Path:
    """Unpack a whole packed image and return the tree. Raises CommandError."""
    run(["unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-dest", target, image])
    return target


def content(image: Path) -> str:
    """Return the sha256 of all that a packed image holds, as a tar archive. Raises CommandError."""
    total = hashlib.sha256()
    run(["sqfs2tar", image], sink=total.update)
    return total.hexdigest()


def made(image: Path) -> int:
    """Return when a packed image was made, in seconds since the epoch, from its superblock."""
    with image.open("rb") as stream:
        return int.from_bytes(stream.read(12)[8:], "little")
