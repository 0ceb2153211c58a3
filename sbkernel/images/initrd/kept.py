"""Whether an initrd that was built before can be kept: it was made of the very files that are still in the tree.

Files are told by inode and ctime, so only a tree that was brought up to date has any that are known.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sbkernel.images.plan import digest_of
from sbkernel.packages import treefile

_PLACES = (
    "usr/lib/modules",
    "lib/modules",
    "usr/lib/firmware",
    "lib/firmware",
    "boot",
    "usr/bin/busybox",
    "bin/busybox",
)
"""Where files of a tree lie that an initrd is made of (files.py)."""
_HEADERS = ("build", "source")
_PROGRAMS = ("cpio", "zstd", "modinfo")


def made_of(tree: Path, how: Any) -> dict[str, str]:
    """Return what an initrd that is built of a tree now is made of, to be recorded; nothing if that cannot be read.

    `how` is all that its bytes depend on beside the tree and the programs that pack it.
    """
    try:
        files = sorted(_files(tree))
        programs = [Path(program).stat() for name in _PROGRAMS if (program := shutil.which(name))]
    except OSError:
        return {}
    return {"of": digest_of([how, files, [(one.st_ino, one.st_size, one.st_mtime_ns) for one in programs]])}


def sum_of(file: Path) -> dict[str, str]:
    """Return the sum of an initrd, to be recorded with it."""
    with file.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def keep(file: Path, facts: Mapping[str, Any], of: Mapping[str, str], target: Path) -> bool:
    """Copy an initrd with its recorded facts, if it is made `of` that and nobody has touched it; tell whether."""
    if not of or facts.get("of") != of["of"] or not file.is_file() or sum_of(file)["sha256"] != facts.get("sha256"):
        return False
    shutil.copyfile(file, target)
    return True


def _files(tree: Path) -> Iterator[tuple[str, int, int]]:
    """Yield path, inode and ctime of all files at those places, and wherever links lead from there."""
    top = len(f"{tree}/")
    todo = list(_PLACES)
    seen: set[Path] = set()
    while todo:
        name = todo.pop()
        found = treefile.find(tree, name)
        yield f"{name} is {found and found.relative_to(tree)}", 0, 0
        if found is None or found in seen:
            continue
        seen.add(found)
        below = [str(found)]
        while below:
            path = below.pop()
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                yield path[top:], status.st_ino, status.st_ctime_ns
                continue
            with os.scandir(path) as entries:
                for entry in entries:
                    below.append(entry.path)
                    if entry.is_symlink() and entry.name not in _HEADERS:
                        todo.append(entry.path[top:])
