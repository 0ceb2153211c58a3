"""Read list files: lines that know where they are from, with #INCLUDE:path# spliced in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sbkernel.definitions.lookup import INCLUDE
from sbkernel.errors import ListFileError, NotFoundError

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class Line(NamedTuple):
    """One line of a list file, without its end."""

    file: str
    number: int
    text: str

    def error(self, message: str, *, hint: str | None = None) -> ListFileError:
        """Return an error that names this line."""
        return ListFileError(self.file, self.number, message, hint=hint)

    def warning(self, message: str) -> str:
        """Return a warning that names this line."""
        return f"{self.file}:{self.number}: {message}"


def read(path: Path, kind: str) -> Iterator[Line]:
    """Yield the lines of a list file of a `kind` such as pkglist, included files spliced in.

    A relative include is taken from the directory of `path`, also inside included files (xCAT's imgutils).
    NotFoundError when `path` is missing; ListFileError for an include that is missing or goes in a circle.
    """
    if not path.is_file():
        raise NotFoundError(f"The {kind} specified '{path}' does not exist!", hint="chdef can name another.")
    yield from _lines(path, path.parent, ())


def split(file: str, text: str) -> Iterator[Line]:
    """Yield the lines of a text as if they were a file's; includes stay as they are."""
    for number, line in enumerate(re.split(r"\r?\n", text), start=1):
        yield Line(file, number, line.rstrip())


def _lines(path: Path, directory: Path, above: tuple[Path, ...]) -> Iterator[Line]:
    for line in split(str(path), _text(path)):
        include = INCLUDE.fullmatch(line.text)
        if include is None:
            yield line
        else:
            target = directory / _expand(include[1].strip(), line)
            yield from _lines(_checked(target, line, (*above, path)), directory, (*above, path))


def _checked(target: Path, line: Line, above: tuple[Path, ...]) -> Path:
    if not target.is_file():
        raise line.error(f"Unable to open the included file {target}", hint="Correct the path, or remove the line.")
    if target.resolve() in {path.resolve() for path in above}:
        circle = " -> ".join(path.name for path in (*above, target))
        raise line.error(f"the include goes in a circle: {circle}", hint="Remove this line.")
    return target


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError as error:
        number = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ListFileError(path, number, "this is not UTF-8 text", hint="Save the file as UTF-8.") from None


def _expand(path: str, line: Line) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise line.error(f"the include uses ${name}, which is not set", hint=f"export {name}, or write the path.")
        return os.environ[name]

    return _VARIABLE.sub(value, path)
