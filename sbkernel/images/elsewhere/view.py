"""A view of a build host in which some paths show other files: those of the site that has ordered the build.

So an osimage means the same there, to every program, as where it is defined. Nothing of the host is changed: the view
is a mount namespace of its own, and is gone with the last process in it (mount_namespaces(7), pivot_root(2)).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from sbkernel.jobs.run import run

_MS_BIND, _MS_REC, _MNT_DETACH = 0x1000, 0x4000, 2
_REAL = ""
"""The key under which a node of the tree of paths has the real path."""
Entry = tuple[str, str | None]
"""A name in a directory, and where it leads if it is a link."""


class Operation(NamedTuple):
    """Make a directory, make a link, show a path of the host where it is, or bind another path there."""

    kind: str
    path: str
    source: str = ""


def operations(binds: Mapping[str, str], look: Callable[[str], Iterable[Entry]]) -> list[Operation]:
    """Return what makes a view in which each path of `binds` shows another one, and all else is as it is. Pure.

    `look` lists a directory of the host.
    """
    tree: dict[str, Any] = {}
    for path, real in binds.items():
        node = tree
        for name in PurePosixPath(path).parts[1:]:
            node = node.setdefault(name, {})
        node[_REAL] = real
    return list(_walk(tree, "", look))


def _walk(node: dict[str, Any], path: str, look: Callable[[str], Iterable[Entry]] | None) -> Iterator[Operation]:
    """Yield operations from above to below; without `look`, the place is inside something that was bound."""
    if _REAL in node:
        yield Operation("bind", path, node[_REAL])
        look = None
    else:
        yield Operation("directory", path)
    for name, link in look(path or "/") if look else ():
        if name not in node:
            yield (
                Operation("show", f"{path}/{name}", f"{path}/{name}")
                if link is None
                else Operation("link", f"{path}/{name}", link)
            )
    for name, below in sorted(node.items()):
        if name != _REAL:
            yield from _walk(below, f"{path}/{name}", look)


def look_here(directory: str) -> list[Entry]:
    """List a directory of this host; nothing if there is none, or none for us."""
    with suppress(OSError), os.scandir(directory) as entries:
        return sorted((one.name, str(Path(one.path).readlink()) if one.is_symlink() else None) for one in entries)
    return []


def enter(binds: Mapping[str, str], place: Path) -> None:
    """Make the view at an empty directory, and the root of this process, whose mount namespace is its own."""
    wanted = operations(binds, look_here)
    _mount("tmpfs", str(place), "tmpfs", 0, "mode=755")
    for one in wanted:
        _do(one, f"{place}{one.path}")
    before = place / ".before"
    before.mkdir()
    run(["pivot_root", place, before])
    os.chdir("/")
    if _libc.umount2(b"/.before", _MNT_DETACH):
        raise OSError(ctypes.get_errno(), "umount of what was the root before")
    Path("/.before").rmdir()


def _do(one: Operation, target: str) -> None:
    place = Path(target)
    if one.kind == "link":
        place.symlink_to(one.source)
    elif one.kind == "directory":
        place.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # a directory of this host that is shown in parts
            place.chmod(Path(one.path or "/").stat().st_mode & 0o1777)
    elif one.kind == "show":
        with suppress(OSError):  # what this user may not look at, he does not need
            _bind(one.source, place)
    else:
        _bind(one.source, place)


def _bind(source: str, place: Path) -> None:
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    _mount(source, str(place), None, _MS_BIND | _MS_REC, None)


_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    if _libc.mount(*words, ctypes.c_ulong(flags), None if data is None else data.encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"mount: {os.strerror(number)}", target)
