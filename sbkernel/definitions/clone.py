"""What a clone of an osimage is: a new definition and copies of its list files, also for another site. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.listpaths import INCLUDE, platform
from sbkernel.definitions.store.interface import Values
from sbkernel.definitions.validate import check_name
from sbkernel.errors import DefinitionError

# Attribute: extension of its files. In an element, the words after the first blank are the arguments of a script.
LISTS = {
    "pkglist": "pkglist",
    "otherpkglist": "otherpkgs.pkglist",
    "exlist": "exlist",
    "postinstall": "postinstall",
    "synclists": "synclist",
}
WITH_INCLUDES = ("pkglist", "otherpkglist", "exlist")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
Moved = tuple[tuple[Path, Path], ...]
"""Directories of one site, each with the directory that replaces it in another."""


class Copy(NamedTuple):
    """One list file to copy. With `rebase`, its relative includes become absolute."""

    source: Path
    target: Path
    rebase: bool
    moved: Moved = ()
    """If set, the copy is for another site: the text of an included file that is not there replaces the include."""


class Clone(NamedTuple):
    """A planned clone."""

    name: str
    values: Values
    copies: tuple[Copy, ...]


def plan_clone(source: Definition, name: str, installdir: Path, fstab: Path | None, moved: Moved = ()) -> Clone:
    """Plan a clone with its own name, profile and rootimgdir, and its own copy of every list file and of the fstab.

    With `moved`, the clone is for another site: paths below those directories change, and it has no parent.
    """
    _check_clone_name(name)
    osvers, osarch = _required(source, "osvers"), _required(source, "osarch")
    own = installdir / "custom" / "netboot" / platform(osvers)
    copies: list[Copy] = []
    values = {key: relocated(value, moved) for key, value in source.attributes.items() if key != "usercomment"}
    for attribute in LISTS.keys() & values.keys():
        values[attribute], more = _own_files(attribute, source.get(attribute), own, name)
        copies += [copy._replace(moved=moved) for copy in more]
    if fstab is not None:
        copies.append(Copy(fstab, own / f"{name}.fstab", rebase=False))
    rootimgdir = installdir / "netboot" / osvers / osarch / name
    values |= {"profile": name, "rootimgdir": str(rootimgdir), "parent": "" if moved else source.name}
    values = {key: value for key, value in values.items() if value}
    return Clone(name, values, tuple(sorted(copies)))


def _own_files(attribute: str, value: str, directory: Path, name: str) -> tuple[str, list[Copy]]:
    elements, copies = [], []
    for number, element in enumerate(value.split(","), start=1):
        # A path may hold blanks where nothing but paths can stand.
        path, blank, arguments = element.strip().partition(" " if attribute == "postinstall" else "\0")
        file = f"{name}.{LISTS[attribute]}" if number == 1 else f"{name}.{number}.{LISTS[attribute]}"
        copies.append(Copy(Path(path), directory / file, rebase=attribute in WITH_INCLUDES))
        elements.append(f"{directory / file}{blank}{arguments}")
    return ",".join(elements), copies


def _check_clone_name(name: str) -> None:
    check_name("osimage", name)
    if not _NAME.fullmatch(name):
        raise DefinitionError(f"The object name '{name}' is invalid: it becomes a directory and file name.")


def _required(source: Definition, attribute: str) -> str:
    if not source.get(attribute):
        raise DefinitionError(f"osimage {source.name} has no {attribute}, so its clone would have no place of its own")
    return source.get(attribute)


def sharing_rootimgdir(images: Mapping[str, Values], rootimgdir: str, name: str) -> list[str]:
    """Return the other images that would be built in the same directory, or above or below it."""
    return [other for other, values in _others(images, name) if _overlap(values.get("rootimgdir", ""), rootimgdir)]


def _others(images: Mapping[str, Values], name: str) -> Iterable[tuple[str, Values]]:
    return ((other, values) for other, values in images.items() if other != name)


def _overlap(one: str, two: str) -> bool:
    if not one or not two:
        return False
    a, b = Path(one), Path(two)
    return a == b or a in b.parents or b in a.parents


def relocated(value: str, moved: Moved) -> str:
    """Return a comma list of paths. Those below a directory that moves are below its new place."""
    return ",".join(_relocated(element, moved) for element in value.split(","))


def _relocated(element: str, moved: Moved) -> str:
    for old, new in moved:
        if element == str(old) or element.startswith(f"{old}/"):
            return f"{new}{element.removeprefix(str(old))}"
    return element


def list_text(text: str, directory: Path, moved: Moved, above: tuple[Path, ...] = ()) -> str:
    """Return a list file for another site. The text of an included file that is not there replaces the include.

    Relative includes are relative to the directory of the first file, as for genimage. Raises DefinitionError if an
    included file cannot be read, or includes itself.
    """
    return "\n".join(_line(line, directory, moved, above) for line in text.split("\n"))


def _line(line: str, directory: Path, moved: Moved, above: tuple[Path, ...]) -> str:
    include = INCLUDE.fullmatch(line)
    if include is None or include[1].strip().startswith("$"):
        return line
    path = directory / include[1].strip()
    if path in above:
        raise DefinitionError(f"{path} includes itself", hint="Remove that line, then clone again.")
    content = _read(path)
    there = Path(_relocated(str(path), moved))
    if there != path and there.is_file() and there.read_bytes() == path.read_bytes():
        return f"#INCLUDE:{there}#"
    return list_text(content.rstrip("\n"), directory, moved, (*above, path))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="surrogateescape")
    except OSError as error:
        raise DefinitionError(f"{path}: {error.strerror}", hint="A list file of the osimage includes it.") from None
