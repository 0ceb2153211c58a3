"""Everything that is wrong or odd in the list files of an osimage, for its distribution."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.listpaths import platform
from sbkernel.errors import DefinitionError
from sbkernel.lists import fstab, kinds, lookup, partitionfile, synclist
from sbkernel.lists.diagnostic import Diagnostic, in_order, shown
from sbkernel.lists.pkglist import Pkglist
from sbkernel.lists.syncline import SyncItem, substituted, variables
from sbkernel.lists.text import missing, paths_of, refusal, text_of
from sbkernel.site import Site

_WILD = re.compile(r"[*?\[{]")


def lint(site: Site, image: str) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of all list files of an osimage, of fstab and postinstall. Raises NotFoundError."""
    definition = site.osimages[image]
    found: list[Diagnostic] = []
    for attribute in kinds.LIST_ATTRIBUTES:
        found += _of_attribute(definition, attribute)
    found += _of_sources(definition)
    found += _of_partitionfile(definition)
    found += _of_fstab(site, definition)
    found += _of_scripts(definition)
    return in_order(found)


def _of_attribute(image: Definition, attribute: str) -> Iterator[Diagnostic]:
    paths = paths_of(image.get(attribute))
    if attribute == "pkglist" and not paths:
        remedy = f"sb chdef -t osimage {image.name} pkglist=FILE"
        yield Diagnostic(image.name, 1, 1, "error", "A .pkglist file must be specified", remedy)
    yield from filter(None, (_refused(attribute, path) for path in paths))
    parsed = kinds.read(attribute, _readable(image, attribute))
    yield from parsed.diagnostics
    if attribute == "pkglist" and isinstance(parsed, Pkglist) and parsed.documents and not parsed.packages:
        yield Diagnostic(str(paths[-1]), 1, 1, "warning", "no list names a package", "Write one package a line.")


def _refused(attribute: str, path: Path) -> Diagnostic | None:
    if error := refusal(path, attribute):
        return Diagnostic(str(path), 1, 1, "error", error.message, error.hint or "")
    return None


def _of_sources(image: Definition) -> Iterator[Diagnostic]:
    """Yield missing files and scripts of a synclist, and variables that the osimage does not set."""
    values = dict(pair.partition("=")[::2] for pair in image.get("environvar").split(",") if "=" in pair)
    for item in synclist.read(_readable(image, "synclists")).items:
        for name in variables(item):
            if name not in values:
                remedy = f"sb chdef -t osimage {image.name} environvar={name}=VALUE"
                yield item.note("error", f"${name} is not set in the environvar of the osimage", remedy)
        yield from _of_missing_sources(item, values)


def _of_missing_sources(item: SyncItem, values: dict[str, str]) -> Iterator[Diagnostic]:
    for source in item.sources:
        path = substituted(source, values)
        if path.startswith("/") and "$" not in path and not _WILD.search(path) and missing(Path(path)):
            needed = item.noderange is None and not item.clause.startswith("EXECUTE")
            yield item.note(
                "error" if needed else "warning", f"{shown(path)} does not exist", "Correct the path, or make the file."
            )


def _of_fstab(site: Site, image: Definition) -> Iterator[Diagnostic]:
    if not _platform(image):
        return
    directories = lookup.directories(site, image.get("osvers"))
    own = lookup.find(directories, image.get("profile"), image.get("osvers"), image.get("osarch"), "fstab")
    if own is not None:
        yield from fstab.parse(text_of(own, "fstab"), str(own)).diagnostics


def _of_partitionfile(image: Definition) -> Iterator[Diagnostic]:
    file = image.get(partitionfile.KIND)
    if not file.startswith("/"):  # a script for an installer
        return
    if refused := _refused(partitionfile.KIND, Path(file)):
        yield refused
    else:
        yield from partitionfile.read(file).diagnostics


def _of_scripts(image: Definition) -> Iterator[Diagnostic]:
    for element in image.get("postinstall").split(","):
        words = element.split()
        if not words:
            continue
        if refused := _refused("postinstall", Path(words[0])):
            yield refused
        elif not os.access(words[0], os.X_OK):
            said = f"postinstall script {words[0]} is not executable"
            yield Diagnostic(words[0], 1, 1, "error", said, f"chmod +x {words[0]}")


def _readable(image: Definition, attribute: str) -> list[Path]:
    return [path for path in paths_of(image.get(attribute)) if refusal(path, attribute) is None]


def _platform(image: Definition) -> str:
    try:
        return platform(image.get("osvers"))
    except DefinitionError:
        return ""
