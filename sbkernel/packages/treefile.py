"""Look up files of a root tree as a program inside it would: no link leads out."""

from __future__ import annotations

from pathlib import Path

_LINKS = 40  # as the kernel allows on one path (path_resolution(7))


def find(tree: Path, name: str) -> Path | None:
    """Return the file or directory that `name` means in a tree, links followed inside of it; None if it has none."""
    pending, links = Path(name).parts[::-1], 0
    todo, path = list(pending), tree
    while todo:
        part = todo.pop()
        if part in ("/", "."):
            path = tree if part == "/" else path
        elif part == "..":
            path = path if path == tree else path.parent
        elif (path / part).is_symlink() and (links := links + 1) <= _LINKS:
            todo += (path / part).readlink().parts[::-1]
        elif not (path / part).is_symlink() and (path / part).exists():
            path = path / part
        else:
            return None
    return path


def read(tree: Path, name: str) -> str | None:
    """Return the text of a plain file of a tree, None if it has none."""
    path = find(tree, name)
    return path.read_text(errors="replace") if path is not None and path.is_file() else None
