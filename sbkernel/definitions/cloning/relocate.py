"""What becomes of paths when a definition goes from one site to another."""

from __future__ import annotations

from pathlib import Path

from sbkernel.definitions.lookup import INCLUDE
from sbkernel.errors import DefinitionError

Moved = tuple[tuple[Path, Path], ...]
"""Directories of one site, and those that take their place in another."""


def relocated(value: str, moved: Moved) -> str:
    """Return a comma list of paths in which those below a directory that moves are below its new place."""
    return ",".join(_relocated(element, moved) for element in value.split(","))


def _relocated(element: str, moved: Moved) -> str:
    for old, new in moved:
        if element == str(old) or element.startswith(f"{old}/"):
            return f"{new}{element.removeprefix(str(old))}"
    return element


def list_text(text: str, directory: Path, moved: Moved, above: tuple[Path, ...] = ()) -> str:
    """Return a list file for another site: a file that it includes and that is not there too is put in its place.

    Relative includes are taken from the directory of the first file, as genimage does. DefinitionError when an
    included file cannot be read, or goes in a circle.
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
