"""The directory an image is built in: where it may be, what lies in it, and how a new build replaces the old one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.files import write_whole
from sbkernel.images.tree.namespaces import remove_tree
from sbkernel.site import Site

_SYSTEM = {"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "run", "sbin", "sys", "usr"}


def default(site: Site, attributes: Mapping[str, str]) -> Path:
    """Return xCAT's place for an image that names none."""
    parts = [attributes.get(key, "") for key in ("osvers", "osarch", "profile")]
    if not all(parts) or any("/" in part or part.startswith(".") for part in parts):
        raise DefinitionError("an osimage without rootimgdir needs osvers, osarch and profile")
    return site.installdir.joinpath("netboot", *parts)


def checked(site: Site, image: str, attributes: Mapping[str, str]) -> Path:
    """Return the rootimgdir of an image, links followed.

    Raises DefinitionError if it is dangerous, or if another image is built in it, above it or below it.
    """
    path = Path(attributes.get("rootimgdir") or default(site, attributes))
    if not path.is_absolute() or ".." in path.parts:
        raise DefinitionError(f"rootimgdir {path} of image '{image}' is not an absolute path")
    real = build_place(site, attributes)
    if real is None:
        raise DefinitionError(f"rootimgdir {path} of image '{image}' is a link that leads back to itself")
    _refuse_dangerous(site, image, real)
    for overlap in overlaps({**build_places(site), image: real}, image):
        raise DefinitionError(overlap, hint=f"sb chdef -t osimage {image} rootimgdir=DIR")
    return real


def build_place(site: Site, attributes: Mapping[str, str]) -> Path | None:
    """Return where an image is built, links followed; None if its definition names no absolute path."""
    try:
        path = Path(attributes.get("rootimgdir") or default(site, attributes))
        return path.resolve() if path.is_absolute() else None
    except (DefinitionError, OSError, RuntimeError):  # RuntimeError: a loop of links, in Python before 3.13
        return None


def build_places(site: Site) -> dict[str, Path]:
    """Return where each image is built, links followed.

    Images of other provmethods are left out: xCAT's statelite image shares the directory of its netboot twin, and its
    install image would have the same default.
    """
    built = (one for one in site.osimages.many(site.osimages).values() if one.get("provmethod") in ("netboot", ""))
    found = {one.name: build_place(site, one.attributes) for one in built}
    return {name: path for name, path in found.items() if path is not None}


def overlaps(places: Mapping[str, Path], image: str) -> list[str]:
    """Say which other images are built in the directory of an image, above it or below it. Pure."""
    return [
        _overlap(image, places[image], name, other)
        for name, other in places.items()
        if name != image and (other.is_relative_to(places[image]) or places[image].is_relative_to(other))
    ]


def _overlap(image: str, path: Path, name: str, other: Path) -> str:
    if path == other:
        return f"images '{image}' and '{name}' share the rootimgdir {path}"
    how = "lies inside" if path.is_relative_to(other) else "holds"
    return f"rootimgdir {path} of image '{image}' {how} {other}, that of image '{name}'"


def _refuse_dangerous(site: Site, image: str, real: Path) -> None:
    holds = [place for place in (site.root, site.installdir, Path.home()) if place.resolve().is_relative_to(real)]
    if len(real.parts) < 3 or real.parts[1] in _SYSTEM or holds:
        raise DefinitionError(
            f"rootimgdir {real} of image '{image}' is no place for an image",
            hint="leave it unset, or name a directory of its own",
        )


TREE, KERNEL, INITRD, MANIFEST = "rootimg", "kernel", "initrd-stateless.gz", "manifest.json"
"""What a build makes in a rootimgdir, named as in xCAT but for the manifest, which is ours."""


@dataclass(frozen=True)
class RootimgDir:
    """The files of one rootimgdir; plan.json and those whose names begin with a dot are ours."""

    path: Path

    @property
    def tree(self) -> Path:
        """Return the root tree."""
        return self.path / TREE

    @property
    def kernel(self) -> Path:
        """Return the kernel that nodes load."""
        return self.path / KERNEL

    @property
    def initrd(self) -> Path:
        """Return the initrd that nodes load."""
        return self.path / INITRD

    @property
    def manifest(self) -> Path:
        """Return the manifest of the tree as it was built."""
        return self.path / MANIFEST

    @property
    def work(self) -> Path:
        """Return where the next tree, kernel and initrd grow; on the same file system, so that a rename moves them."""
        return self.path / ".new"

    @property
    def old(self) -> Path:
        """Return where a tree that was replaced waits for its removal."""
        return self.path / ".old"

    @property
    def ahead(self) -> tuple[Path, Path]:
        """Return where a layer is copied to while it is made, and the list of what of it was."""
        return self.work / "ahead", self.work / "ahead.json"

    @property
    def copied(self) -> Path:
        """Return the list of what in a tree is as it was copied (layers/checkout.py)."""
        return self.path / ".copied"

    @property
    def sums(self) -> Path:
        """Return the sums of files in the tree (images/sums.py)."""
        return self.path / ".sums"

    @property
    def units(self) -> Path:
        """Return where each unit lies in the root that was packed last (pack/squashfs/stored.py)."""
        return self.path / ".units"

    def new(self, file: Path) -> Path:
        """Return where the next version of a file or tree grows."""
        return self.work / file.name

    def record(self) -> dict[str, Any]:
        """Return what the last whole build has recorded; nothing if any of its files is missing."""
        try:
            record = json.loads((self.path / "plan.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(record, dict):
            return {}
        return record if all(path.exists() for path in (self.tree, self.kernel, self.initrd)) else {}

    def take(self, tree: Path, target: Path) -> None:
        """Move a tree of an earlier build to where the next one grows; the record goes first, as it was whole then."""
        (self.path / "plan.json").unlink(missing_ok=True)
        tree.rename(target)

    def set_aside(self) -> None:
        """After a build has failed, keep the tree that it had taken, for the next one to start from."""
        taken = self.new(self.tree)
        if taken.is_dir() and not os.path.lexists(self.tree):
            remove_tree(self.old)
            taken.rename(self.old)

    def publish(self, record: Mapping[str, Any]) -> None:
        """Put what has been built in place of the old; the record goes first and comes back last.

        Killed in between, a later run finds no record and builds again.
        """
        remove_tree(self.old)
        (self.path / "plan.json").unlink(missing_ok=True)
        for place in (self.tree, self.kernel, self.initrd, self.manifest):
            if self.new(place).exists():
                if place.is_dir():
                    place.rename(self.old)
                self.new(place).replace(place)
        write_whole(self.path / "plan.json", json.dumps(record, indent=1) + "\n")
