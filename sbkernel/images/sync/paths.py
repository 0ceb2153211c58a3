"""Paths of a tree, followed as if it were the root: no link and no .. leads out of it."""

from __future__ import annotations

import errno
import stat
from collections import deque
from pathlib import Path

_LINKS = 40
"""How many links may follow each other, as in the kernel (path_resolution(7))."""


class InTheWayError(OSError):
    """Something in the tree is not the directory or file that it would have to be."""


def followed(root: Path, path: str, *, last: bool = False) -> Path:
    """Return where a path of the tree `root` lies on this host, the links in its directories followed.

    The last part is followed only if `last`. What is not there yet stays as it is written. Nothing else may change
    the tree meanwhile. Raises InTheWayError.
    """
    rest = deque(_parts(path))
    found = root
    links = 0
    while rest:
        part = rest.popleft()
        if part == "..":
            found = found if found == root else found.parent
            continue
        mode = mode_of(found / part)
        if stat.S_ISLNK(mode) and (rest or last):
            links += 1
            if links > _LINKS:
                raise InTheWayError(errno.ELOOP, f"too many links in {path}")
            target = str((found / part).readlink())
            found = root if target.startswith("/") else found
            rest.extendleft(reversed(_parts(target)))
        elif rest and mode and not stat.S_ISDIR(mode):
            raise InTheWayError(errno.ENOTDIR, f"/{(found / part).relative_to(root)} is no directory in the image")
        else:
            found /= part
    return found


def mode_of(path: Path) -> int:
    """Return the type and permissions of what lies at a path of this host; 0 for nothing."""
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
