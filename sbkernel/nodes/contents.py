"""What a word stands for that names something with packages, and what differs between two or more of them.

    IMAGE             the version of an osimage that nodes boot, or what was built if none was ever packed
    IMAGE@candidate   the version that was packed last
    IMAGE@previous    the version before; a rollback goes there
    IMAGE@DIGEST      the version whose digest begins so
    IMAGE@YYYY-MM-DD  the version that nodes booted at the end of that day (UTC)
    IMAGE@built       the tree that genimage left
    NODE              what is installed on a node now, asked over ssh
    resolve:IMAGE     what the lists of an osimage would install now
    pkglist:IMAGE     what its lists name, nothing more
    PATH              a manifest.json, a packed image, a root tree or a list (*.pkglist)

image:, node: and file: in front say which of them is meant when a word could be several; so does a path with a slash.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Sequence
from pathlib import Path

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.images import manifests, rootimgdir
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.pointers import PREVIOUS
from sbkernel.images.catalog.reference import BUILT, Reference, parse, short
from sbkernel.images.resolve import resolve
from sbkernel.lists import otherpkglist, pkglist
from sbkernel.lists.pkglist import Pkglist
from sbkernel.lists.text import paths_of
from sbkernel.nodes.node_manifest import of_node
from sbkernel.packages.diff import attention
from sbkernel.packages.diff import diff as diffs
from sbkernel.packages.diff import matrix as matrices
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.matrix import Matrix
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package
from sbkernel.site import Site

_LISTS = (".pkglist", ".otherpkglist")


def diff(site: Site, a: str, b: str, *, by: str = "") -> Diff:
    """Compare what two words stand for, with the attention groups of the site; `by` package or source.

    Raises as `of`, DefinitionError.
    """
    return diffs.diff(labelled(site, a), labelled(site, b), attention.of_site(site), by=by)


def matrix(site: Site, words: Sequence[str], *, differing: bool = True, by: str = "") -> Matrix:
    """Put what words stand for side by side, with the attention groups of the site. Raises as `of`."""
    groups = attention.of_site(site)
    return matrices.matrix([labelled(site, word) for word in words], differing=differing, attention=groups, by=by)


def of(site: Site, word: str) -> Manifest:
    """Return the packages of what a word stands for.

    Raises DefinitionError when it could be several things, NotFoundError when it is none, and what reading it raises:
    BuildError, ListFileError, NodeError.
    """
    kind, name = meaning(site, word)
    return _READERS[kind](site, name)


def labelled(site: Site, word: str) -> Manifest:
    """Return the packages of what a word stands for, under a name that stays right: IMAGE@DIGEST, not @previous."""
    kind, name = meaning(site, word)
    return dataclasses.replace(_READERS[kind](site, name), name=_label(site, kind, name))


def root(site: Site, word: str) -> Path | None:
    """Return the root tree or packed root of what a word stands for; None for a node or a list. Raises as `of`."""
    kind, name = meaning(site, word)
    if kind == "image":
        asked = parse(name)
        version = manifests.packed(site, asked)
        if version is not None:
            return version.root
        attributes = site.osimages[asked.image].attributes
        return rootimgdir.RootimgDir(rootimgdir.checked(site, asked.image, attributes)).tree
    path = Path(name).expanduser()
    return path if kind == "file" and path.suffix not in (*_LISTS, ".json") else None


def before(site: Site, word: str) -> str:
    """Return what to compare something with: of an image the version before, or else what its lists name."""
    kind, name = meaning(site, word)
    if kind != "image":
        return word
    image = parse(name).image
    return f"image:{Reference(image, PREVIOUS)}" if Catalog(site).pointers(image).previous else f"pkglist:{image}"


def meaning(site: Site, word: str) -> tuple[str, str]:
    """Return what kind of thing a word names, as the words in front say it, and its name. Raises as `of`."""
    kind, colon, name = word.partition(":")
    if colon and kind in _READERS:
        return kind, name
    if word.startswith(("/", "./", "../", "~")):
        return "file", word
    found = _meanings(site, word)
    if len(found) > 1:
        said = " and ".join({"image": "an osimage", "node": "a node", "file": "a file"}[one] for one in found)
        raise DefinitionError(f"{word} is {said}", hint=f"say {' or '.join(f'{one}:{word}' for one in found)}")
    if not found:
        raise NotFoundError(f"{word} is no osimage, node or file", hint=_near(site, word))
    return found[0], word


def _meanings(site: Site, word: str) -> list[str]:
    tests = {
        "image": parse(word).image in site.osimages,
        "node": word in site.nodes,
        "file": bool(word) and Path(word).exists(),
    }
    return [kind for kind, holds in tests.items() if holds]


def _near(site: Site, word: str) -> str:
    near = difflib.get_close_matches(word, [*site.osimages, *site.nodes], n=3)
    return f"did you mean {' or '.join(near)}?" if near else "sb lsdef -t osimage; sb lsdef"


def _of_file(_site: Site, name: str) -> Manifest:
    path = Path(name).expanduser()
    if path.suffix in _LISTS:
        read = otherpkglist if path.suffix == ".otherpkglist" else pkglist
        return _asked(read.load([path]), str(path))
    return manifests.of_file(path)


def _asked(listed: Pkglist, name: str) -> Manifest:
    """Return what a list asks for, without family, sizes and what would come along."""
    return manifest(set(map(_entry, listed.packages)), name=name, kind="pkglist", warnings=listed.warnings)


def _entry(text: str) -> Package:
    """Return the package of an entry: NAME[:ARCH][=VERSION], behind the directory that an otherpkglist gives."""
    name, _, version = text.partition("=")
    bare, _, arch = name.rpartition("/")[2].partition(":")
    return Package(bare, version, arch, explicit=True)


def _of_lists(site: Site, image: str) -> Manifest:
    attributes = site.osimages[image].attributes
    both = (pkglist.load(paths_of(attributes.get("pkglist", ""))),
            otherpkglist.load(paths_of(attributes.get("otherpkglist", ""))))  # fmt: skip
    packages = {package for one in both for package in map(_entry, one.packages)}
    return manifest(packages, name=image, kind="pkglist", warnings=[text for one in both for text in one.warnings])


def _of_resolution(site: Site, image: str) -> Manifest:
    resolved = resolve(site, image)
    return dataclasses.replace(resolved.manifest, warnings=tuple(map(str, resolved.unknown)))


_READERS: dict[str, Callable[[Site, str], Manifest]] = {
    "image": manifests.of_image, "node": of_node, "file": _of_file, "pkglist": _of_lists, "resolve": _of_resolution,
}  # fmt: skip


def _label(site: Site, kind: str, name: str) -> str:
    if kind == "image":
        asked = parse(name)
        version = manifests.packed(site, asked)
        return str(Reference(asked.image, BUILT if version is None else short(version.digest)))
    return name if kind in ("file", "node") else f"{kind}:{name}"
