"""Which list files belong to the site, and where the copy of a shipped file goes. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sbkernel import resources
from sbkernel.definitions.clone import LISTS
from sbkernel.definitions.listpaths import platform
from sbkernel.errors import DefinitionError
from sbkernel.lists.text import paths_of
from sbkernel.site import Site

_XCAT = Path("/opt/xcat/share")


def is_shipped(site: Site, path: Path) -> bool:
    """Tell whether a file is part of a program, so that its next release replaces the file."""
    shipped = (site.root / "share", resources.templates(), _XCAT)
    return any(directory in (*path.parents, *path.resolve().parents) for directory in shipped)


def own_path(site: Site, image: str, attribute: str, number: int = 1) -> Path:
    """Return the path of a list of one osimage: as `sb clone` names it, after the image and not after its profile."""
    osvers = site.osimages[image].get("osvers")
    if not osvers:
        raise DefinitionError(f"osimage {image} has no osvers, so there is no place for its own lists")
    middle = "" if number == 1 else f".{number}"
    return site.installdir / "custom" / "netboot" / platform(osvers) / f"{image}{middle}.{LISTS[attribute]}"


def named_by(site: Site, path: Path, but: str = "") -> tuple[str, ...]:
    """Return the other osimages that use a list file."""
    return tuple(name for name in site.osimages if name != but and path in set(_files_of(site, name)))


def _files_of(site: Site, image: str) -> Iterator[Path]:
    definition = site.osimages[image]
    for attribute in LISTS:
        yield from paths_of(definition.get(attribute))
