"""Make manifests: of a root tree, a packed image, a file, an osimage and its versions."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sbkernel.errors import BuildError, CommandError, NotFoundError
from sbkernel.images import rootimgdir
from sbkernel.images.catalog import Catalog, ImageVersion
from sbkernel.images.pointer import Pointer
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.installed import WANTED, of_built, of_tree
from sbkernel.jobs.run import run
from sbkernel.packages import manifest
from sbkernel.packages.manifest import Manifest
from sbkernel.site import Site

__all__ = ["find_version", "of_build", "of_file", "of_image", "of_squashfs", "of_tree", "of_version"]

SQUASHFS_MAGIC = b"hsqs"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def of_squashfs(file: Path, *, name: str = "", kind: str = "image") -> Manifest:
    """Return what is installed in a packed root; only its package databases are unpacked.

    Raises BuildError when it is no squashfs or is damaged, NotFoundError as of_tree.
    """
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        tree = Path(directory) / "root"
        try:
            run(["unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-dest", tree, file, *WANTED])
        except CommandError as error:
            raise BuildError(f"{file} cannot be read as a packed image:\n{error.tail}") from error
        return of_tree(tree, name=name or str(file), kind=kind)


def of_file(path: Path) -> Manifest:
    """Return what a path stands for: the file of a manifest, a packed image or a root tree.

    Raises NotFoundError if there is none, ListFileError if the file is neither.
    """
    if path.is_dir():
        return of_tree(path)
    try:
        with path.open("rb") as stream:
            packed = stream.read(len(SQUASHFS_MAGIC)) == SQUASHFS_MAGIC
    except FileNotFoundError:
        raise NotFoundError(f"no manifest, packed image or tree {path}") from None
    return of_squashfs(path) if packed else manifest.from_json(path.read_text(errors="replace"), path)


def of_image(site: Site, osimage: str, version: str | None = None) -> Manifest:
    """Return what is in an osimage: in the version published now, or in the one given.

    `version` is the beginning of a digest, `previous`, a day (what was published at its end), or `built` for the tree
    that genimage left. An image that was never packed is read from its tree. Raises NotFoundError.
    """
    if osimage not in site.osimages:
        raise NotFoundError(f"Could not find an object named '{osimage}' of type 'osimage'.")
    catalog = Catalog(site)
    if version == "built" or (version is None and not catalog.pointer(osimage).digest):
        return of_build(site, osimage)
    return of_version(find_version(catalog, osimage, version))


def of_version(version: ImageVersion) -> Manifest:
    """Return what is in a version of the catalog; one that was published without a manifest is looked into."""
    published = version.manifest
    if not len(published):
        published = of_squashfs(version.root)
    return replace(published, name=version.image, kind="image", made=published.made or int(version.created))


def of_build(site: Site, osimage: str) -> Manifest:
    """Return what is in the tree that genimage built. NotFoundError if there is none."""
    built = RootimgDir(rootimgdir.checked(site, osimage, site.osimages[osimage].attributes))
    if not built.tree.is_dir():
        raise NotFoundError(f"image '{osimage}' was never built", hint=f"sb genimage {osimage}")
    return of_built(built, osimage)


def find_version(catalog: Catalog, osimage: str, version: str | None) -> ImageVersion:
    """Return a version of an image: the current one, `previous`, that of a day (YYYY-MM-DD), or by its digest.

    Raises NotFoundError.
    """
    pointer = catalog.pointer(osimage)
    if version is None:
        return catalog.current(osimage)
    if version == "previous":
        if not pointer.previous:
            raise NotFoundError(f"image {osimage} has no version before this one")
        return catalog.get(pointer.previous)
    if _DAY.fullmatch(version):
        return catalog.get(_on_day(pointer, version))
    digests = dict.fromkeys(entry.digest for entry in pointer.history if entry.digest.startswith(version))
    if len(digests) != 1:
        problem = f"has {len(digests)} versions that begin with" if digests else "has no version"
        raise NotFoundError(f"image {osimage} {problem} {version}", hint="give more of the digest, or previous")
    return catalog.get(next(iter(digests)))


def _on_day(pointer: Pointer, day: str) -> str:
    """Return the digest that a name pointed to at the end of a day, in UTC."""
    try:
        end = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        raise NotFoundError(f"{day} is no day", hint="YYYY-MM-DD") from None
    digest = pointer.at(end.timestamp())
    if not digest:
        raise NotFoundError(f"image {pointer.image} was not published yet on {day}")
    return digest
