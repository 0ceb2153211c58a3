"""Lint an osimage: its list files, and its exlist against the tree that genimage built, if there is one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sbkernel.errors import BuildError
from sbkernel.images import rootimgdir
from sbkernel.images.families import family_of
from sbkernel.images.rootimgdir import RootimgDir
from sbkernel.images.tree.exlistlint import against
from sbkernel.lists import exlist, pkglist
from sbkernel.lists.diagnostic import Diagnostic, in_order
from sbkernel.lists.lint import lint as lint_lists
from sbkernel.lists.text import paths_of, refusal
from sbkernel.site import Site


def lint(site: Site, image: str) -> tuple[Diagnostic, ...]:
    """Return everything wrong or odd in the files that an osimage names; NotFoundError when there is no such image."""
    return in_order([*lint_lists(site, image), *lint_names(site, image), *lint_tree(site, image)])


def lint_names(site: Site, image: str) -> Iterator[Diagnostic]:
    """Yield the names in the pkglist that no package of the distribution can have."""
    definition = site.osimages[image]
    try:
        family = family_of(definition.get("osvers"))
    except BuildError:
        return
    parsed = pkglist.read([path for path in paths_of(definition.get("pkglist")) if refusal(path, "pkglist") is None])
    known = {(one.file, one.line, one.column) for one in parsed.diagnostics if one.severity == "error"}
    yield from (one for one in family.remarks(parsed) if (one.file, one.line, one.column) not in known)


def lint_tree(site: Site, image: str) -> tuple[Diagnostic, ...]:
    """Return what the exlist of an osimage does to its built tree; nothing when there is no tree or no list."""
    definition = site.osimages[image]
    files = [path for path in paths_of(definition.get("exlist")) if refusal(path, "exlist") is None]
    place = rootimgdir.build_place(site, definition.attributes)
    if not files or place is None or not RootimgDir(place).tree.is_dir():
        return ()
    return against(exlist.read(files), paths_below(RootimgDir(place).tree))


def paths_below(tree: Path) -> Iterator[str]:
    """Yield every path of a tree as ./path; what an ordinary user may not read is left out, links are not followed."""
    for directory, folders, names in os.walk(tree):
        where = "." + directory.removeprefix(str(tree))
        yield from (f"{where}/{name}" for name in sorted([*folders, *names]))
