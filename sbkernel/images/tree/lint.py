"""Lint an osimage: its list files, for its kind of packages, against what is known of packages and of its tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sbkernel.errors import BuildError, ListFileError, SbkernelError
from sbkernel.images import rootimgdir
from sbkernel.images.families import family_of, open_manager
from sbkernel.images.families.package_manager import KnownBefore, Request, no_source_has
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree import installed
from sbkernel.images.tree.exlistlint import against, without_tree
from sbkernel.images.tree.losses import Known, entries_by_name, losses
from sbkernel.jobs.report import NullReport
from sbkernel.lists import exlist, kinds, otherpkglist, pkglist
from sbkernel.lists.diagnostic import Diagnostic, in_order, of_error, shown
from sbkernel.lists.edit import ListFiles
from sbkernel.lists.entries import ListEntry
from sbkernel.lists.exlist import Exlist
from sbkernel.lists.kinds import LIST_ATTRIBUTES
from sbkernel.lists.lint import lint as lint_lists
from sbkernel.lists.own import is_shipped
from sbkernel.lists.pkglist import Pkglist
from sbkernel.lists.text import paths_of, refusal
from sbkernel.site import Site

_BUILT = ("netboot", "statelite")
"""The values of provmethod for which genimage reads the lists."""


class Linted(NamedTuple):
    """What is wrong or odd, in order, and what could not be checked and why."""

    remarks: tuple[Diagnostic, ...]
    unchecked: tuple[str, ...]


def lint(site: Site, image: str) -> tuple[Diagnostic, ...]:
    """Return everything wrong or odd in the files that an osimage names; NotFoundError when there is no such image."""
    return look(site, image).remarks


def look(site: Site, image: str) -> Linted:
    """Lint an osimage as `lint` does, and say what could not be checked. Nothing is asked over the network."""
    found = list(lint_lists(site, image))
    request = _request(site, image)
    tree = _tree(site, image)
    known, refused, unchecked = _known_before(site, image, request)
    errors = {_place(one) for one in found if one.severity == "error"}
    rules = [one for one in remarks(request) if _place(one) not in errors]
    errors |= {_place(one) for one in rules if one.severity == "error"}
    names = [one for one in _unknown(request, known) if _place(one) not in errors] if known else []
    names += [one for one in refused if not any(one.line == line and one.file == file for file, line, _ in errors)]
    return Linted(
        in_order([*found, *rules, *names, *_of_exlist(site, request, tree, known)], _files(request)),
        (*unchecked, *_unlooked(image, request, tree, known)),
    )


def remarks(request: Request) -> Iterator[Diagnostic]:
    """Yield what the family of an osimage remarks on its package lists.

    Nothing for a family that there is not, and for lists that an installer reads: it has other rules.
    """
    if request.attributes.get("provmethod", "netboot") not in _BUILT:
        return
    try:
        family = family_of(request.osvers)
    except BuildError:
        return
    yield from family.remarks(request)


def of_list(files: ListFiles) -> tuple[Diagnostic, ...]:
    """Return what `lint` says of the files of one list, and of those that they include."""
    own = {str(path) for path in files.files}
    return tuple(one for one in lint(files.site, files.image) if not own.isdisjoint(_files_of(one)))


def _files_of(one: Diagnostic) -> Iterator[str]:
    """Yield the file of a remark, and those that include it."""
    yield one.file
    yield from (place.rpartition(":")[0] for place in one.trace)


def check(files: ListFiles, text: str) -> tuple[Diagnostic, ...]:
    """Return what would be wrong with a list if it had this text; only texts are looked at, as somebody types."""
    found = files.check(text)
    request = _request(files.site, files.image)
    parsed = kinds.parse(files.attribute, text, str(files.path))
    if not isinstance(parsed, Pkglist):
        ours = without_tree(parsed, _merged(request)) if isinstance(parsed, Exlist) else ()
        return in_order([*found, *ours])
    errors = {_place(one) for one in found if one.severity == "error"}
    changed = (
        replace(request, pkglist=parsed) if files.attribute == "pkglist" else replace(request, otherpkglist=parsed)
    )
    mine = {document.file for document in parsed.documents} | {one.line.file for one in parsed.entries}
    rules = (one for one in remarks(changed) if one.file in mine and _place(one) not in errors)
    return in_order([*found, *rules])


def _request(site: Site, image: str) -> Request:
    """Return what an osimage asks for, by the lists that can be read."""
    attributes = site.osimages[image].attributes
    return Request(
        attributes,
        pkglist.read(_readable(attributes, "pkglist")),
        otherpkglist.read(_readable(attributes, "otherpkglist")),
    )


def _files(request: Request) -> Iterator[str]:
    """Yield the list files in the order in which an osimage has them."""
    return (str(path) for attribute in LIST_ATTRIBUTES for path in paths_of(request.attributes.get(attribute, "")))


def _readable(attributes: Mapping[str, str], attribute: str) -> list[Path]:
    return [path for path in paths_of(attributes.get(attribute, "")) if refusal(path, attribute) is None]


def _tree(site: Site, image: str) -> Path | None:
    """Return the built tree of an osimage, if there is one."""
    place = rootimgdir.build_place(site, site.osimages[image].attributes)
    tree = None if place is None else RootimgDir(place).tree
    return tree if tree is not None and tree.is_dir() else None


def _known_before(
    site: Site, image: str, request: Request
) -> tuple[KnownBefore | None, Sequence[Diagnostic], tuple[str, ...]]:
    """Return what indexes that were read before say, what genimage would refuse of the lists, why nothing is known."""
    why, refused = f"the sources have not been read yet: sb pkg {image} resolve", []
    try:
        known = open_manager(site, request).known_before(NullReport())
    except ListFileError as error:
        known, why = None, "first mend the errors above"
        refused = [of_error(error)]
    except (SbkernelError, OSError) as error:
        known, why = None, error.message if isinstance(error, SbkernelError) else str(error)
    said = f"names of packages are not checked: {shown(why)}"
    return known, refused, () if known or not _entries(request) else (said,)


def _entries(request: Request) -> Sequence[ListEntry]:
    return (*request.pkglist.entries, *request.otherpkglist.entries)


def _unknown(request: Request, known: KnownBefore) -> Iterator[Diagnostic]:
    """Yield the names that no source has."""
    for entry in (one for one in _entries(request) if one.kind == "install"):
        placed = otherpkglist.placed(entry.name).name
        name = next((one for one in (entry.name, placed, placed.partition("=")[0]) if one in known.unknown), None)
        if name is not None:
            near = known.unknown[name]
            remedy = f"Did you mean {' or '.join(near)}?" if near else "Is the right repository among the sources?"
            yield entry.note("error", f"{no_source_has(name)}, as they were read last", remedy)


def _of_exlist(site: Site, request: Request, tree: Path | None, known: KnownBefore | None) -> Iterator[Diagnostic]:
    """Yield what the exlist does to the tree, or else to any, and to the packages that are asked for.

    A shipped exlist is for many trees and not to be changed: what is harmless in it is not said.
    """
    files = _readable(request.attributes, "exlist")
    if not files:
        return
    listed, asked = exlist.read(files), entries_by_name(_entries(request))
    if tree is None:
        links = _merged(request)
        yield from without_tree(listed, links)
        yield from losses(listed, Known(asked, known.files if known else {}, links))
    else:
        links = dict(links_of(tree))
        odd = against(listed, paths_below(tree), links)
        yield from (one for one in odd if one.severity != "info" or not is_shipped(site, Path(one.file)))
        yield from losses(listed, Known(asked, installed.paths(tree, asked), links))


def _merged(request: Request) -> Mapping[str, str]:
    """Return the links at the top of a tree of this release."""
    try:
        merged = family_of(request.osvers).merged(request.osvers)
    except BuildError:
        merged = False
    return {f"./{name}": f"./usr/{name}" for name in ("bin", "sbin", "lib", "lib64")} if merged else {}


def _unlooked(image: str, request: Request, tree: Path | None, known: KnownBefore | None) -> Iterator[str]:
    """Yield that nobody knows what an exlist takes away."""
    if tree is None and not (known and known.files) and request.attributes.get("exlist"):
        yield f"what the exlist takes away is known by names alone before the image is built: sb genimage {image}"


def _place(one: Diagnostic) -> tuple[str, int, int]:
    return one.file, one.line, one.column


def paths_below(tree: Path) -> Iterator[str]:
    """Yield every path of a tree as ./path; what an ordinary user may not read is left out, links are not followed."""
    for directory, folders, names in os.walk(tree):
        where = "." + directory.removeprefix(str(tree))
        yield from (f"{where}/{name}" for name in sorted([*folders, *names]))


def links_of(tree: Path) -> Iterator[tuple[str, str]]:
    """Yield the links at the top of a tree to directories in it, and where they lead: ./lib, ./usr/lib."""
    for path in sorted(tree.iterdir()):
        target = os.path.normpath(os.path.join("/", path.readlink())) if path.is_symlink() else ""  # noqa: PTH118
        if target and (tree / target[1:]).is_dir():
            yield f"./{path.name}", f".{target}"
