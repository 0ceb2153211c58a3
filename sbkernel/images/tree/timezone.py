"""The time zone of an image (site attribute timezone): a zone that there is, and that an exlist does not take away."""

from __future__ import annotations

import difflib
import os
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sbkernel.errors import BuildError, DefinitionError

ZONES = PurePosixPath("usr/share/zoneinfo")
_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def check_timezone(zone: str) -> str:
    """Return the name of a time zone; DefinitionError if it is none, or none that this host knows."""
    if not zone:
        return ""
    if not _NAME.fullmatch(zone) or not _is_known(zone):
        near = difflib.get_close_matches(zone, zoneinfo.available_timezones(), n=3)
        raise DefinitionError(
            f"timezone={zone} of the site is no time zone",
            hint=f"did you mean {' or '.join(near)}?" if near else "sb chdef -t site timezone=Europe/Vienna",
        )
    return zone


def _is_known(zone: str) -> bool:
    """Tell whether this host has a zone, or has none at all."""
    places = [Path(place) for place in zoneinfo.TZPATH if Path(place).is_dir()]
    return not places or any((place / zone).is_file() for place in places)


def check_there(tree: Path, zone: str) -> None:
    """Raise BuildError if a tree does not have a time zone; UTC is what the C library takes without any file."""
    if zone not in ("", "UTC", "Etc/UTC") and not os.path.lexists(tree / ZONES / zone):
        raise BuildError(
            f"the image does not have the time zone of the site, {zone}",
            hint="add tzdata to its pkglist (SUSE: timezone), or sb chdef -t site timezone=Etc/UTC",
        )


def kept(tree: Path, zone: str) -> tuple[str, ...]:
    """Return the patterns of an exlist that keep a zone in the image, and what it is a link to (xCAT: packimage)."""
    return tuple(f"./{path}" for path in _files(tree, zone)) if zone else ()


def _files(tree: Path, zone: str) -> Iterator[PurePosixPath]:
    path, seen = ZONES / zone, set[PurePosixPath]()
    while path not in seen and path.is_relative_to(ZONES):
        seen.add(path)
        yield path
        if (tree / path).is_symlink():
            path = _normal(path.parent / (tree / path).readlink())


def _normal(path: PurePosixPath) -> PurePosixPath:
    """Return where a path in a tree leads, `..` taken away; it is relative to the tree."""
    parts: list[str] = []
    for part in path.relative_to(path.anchor).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    return PurePosixPath(*parts)
