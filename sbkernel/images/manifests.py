"""Make manifests: of a root tree, a packed image, a file, an osimage and its versions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sbkernel.errors import BuildError, CommandError, NotFoundError
from sbkernel.images import rootimgdir
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.reference import BUILT, Reference, parse
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.pack import formats, stack
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.installed import WANTED, of_built, of_tree
from sbkernel.packages import manifest
from sbkernel.packages.manifest import Manifest
from sbkernel.site import Site

__all__ = ["of_build", "of_file", "of_image", "of_packed", "of_stack", "of_tree", "of_version", "packed"]


def of_packed(file: Path, *, name: str = "", kind: str = "image") -> Manifest:
    """Return what is installed in a packed root; only its package databases are unpacked.

    Raises BuildError when it is none or is damaged, NotFoundError as of_tree.
    """
    return _extracted(lambda tree: formats.opened(file).extract(file, tree, WANTED), file, name or str(file), kind)


def of_stack(version: ImageVersion) -> Manifest:
    """Return what is installed in a version whose roots lie over each other. Raises as of_packed."""
    return _extracted(lambda tree: stack.extract(version, tree, WANTED), version.dir, version.image, "image")


def _extracted(extract: Callable[[Path], None], place: Path, name: str, kind: str) -> Manifest:
    with tempfile.TemporaryDirectory(prefix="sbkernel-") as directory:
        tree = Path(directory) / "root"
        try:
            extract(tree)
        except CommandError as error:
            raise BuildError(f"{place} cannot be read as a packed image:\n{error.tail}") from error
        return of_tree(tree, name=name, kind=kind)


def of_file(path: Path) -> Manifest:
    """Return what a path stands for: the file of a manifest, a packed image or a root tree.

    Raises NotFoundError if there is none, ListFileError if the file is neither.
    """
    if path.is_dir():
        return of_tree(path)
    try:
        packed = formats.format_of(path) is not None
    except FileNotFoundError:
        raise NotFoundError(f"no manifest, packed image or tree {path}") from None
    return of_packed(path) if packed else manifest.from_json(path.read_text(errors="replace"), path)


def of_image(site: Site, reference: str | Reference) -> Manifest:
    """Return what is in the version of an osimage that a word names, such as IMAGE@previous (catalog/reference.py).

    IMAGE@built is the tree that genimage left, and so is IMAGE while it was never packed. Raises NotFoundError.
    """
    asked = parse(reference) if isinstance(reference, str) else reference
    version = packed(site, asked)
    return of_build(site, asked.image) if version is None else of_version(version)


def packed(site: Site, asked: Reference) -> ImageVersion | None:
    """Return the version that a reference names; None for the tree that genimage left. Raises NotFoundError."""
    if asked.image not in site.osimages:
        raise NotFoundError(f"Could not find an object named '{asked.image}' of type 'osimage'.")
    catalog = Catalog(site)
    never = not asked.version and not catalog.pointers(asked.image).history
    return None if asked.kind == BUILT or never else catalog.find(asked)


def of_version(version: ImageVersion) -> Manifest:
    """Return what is in a version of the catalog; one that was published without a manifest is looked into."""
    published = version.manifest
    if not len(published):
        published = of_packed(version.root) if len(version.roots) == 1 else of_stack(version)
    return replace(published, name=version.image, kind="image", made=published.made or int(version.created))


def of_build(site: Site, osimage: str) -> Manifest:
    """Return what is in the tree that genimage built. NotFoundError if there is none."""
    built = RootimgDir(rootimgdir.checked(site, osimage, site.osimages[osimage].attributes))
    if not built.tree.is_dir():
        raise NotFoundError(f"image '{osimage}' was never built", hint=f"sb genimage {osimage}")
    return of_built(built, osimage)
