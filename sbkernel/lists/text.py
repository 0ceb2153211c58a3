"""Read list files. Bytes that are not UTF-8 are kept, as in xCAT, and written again as they were."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_text(path: Path) -> str:
    """Return the text of a file with its line ends."""
    return decoded(path.read_bytes())


def decoded(data: bytes) -> str:
    """Return bytes as text."""
    return data.decode(errors="surrogateescape")


def encoded(text: str) -> bytes:
    """Return text as the bytes that it was read from."""
    return text.encode(errors="surrogateescape")


def text_of(path: Path, kind: str) -> str:
    """Return the text of a list file of a `kind` such as pkglist. Raises what `refusal` returns."""
    if error := refusal(path, kind):
        raise error
    return read_text(path)


def refusal(path: Path, kind: str) -> SbkernelError | None:
    """Return why a file cannot be read, as a NotFoundError in the words of xCAT if it is missing; None if it can."""
    if missing(path, stat.S_ISREG):
        return NotFoundError(f"The {kind} specified '{path}' does not exist!", hint="chdef can name another.")
    if not os.access(path, os.R_OK):
        return SbkernelError(f"The {kind} specified '{path}' cannot be read.", hint="Its owner, or root, may read it.")
    return None


def missing(path: Path, of_kind: Callable[[int], bool] = bool) -> bool:
    """Tell whether it is certain that no file of a kind (stat.S_ISREG) has this path. The path may be any text."""
    try:
        return not of_kind(path.stat().st_mode)
    except PermissionError:
        return False
    except (OSError, ValueError):
        return True


def paths_of(attribute: str) -> list[Path]:
    """Return the paths in an attribute, which commas separate."""
    return [Path(word.strip()) for word in attribute.split(",") if word.strip()]


def variables(environvar: str) -> dict[str, str]:
    """Return the variables in an attribute environvar, a comma list of NAME=VALUE; DefinitionError for anything else.

    A value holds no comma: what follows one is the next variable, as in xCAT.
    """
    pairs = [pair.strip().partition("=") for pair in environvar.split(",") if pair.strip()]
    for name, equals, _ in pairs:
        if not equals or not _NAME.fullmatch(name):
            raise DefinitionError(
                f"environvar: {name!r} is no variable", hint="write NAME=VALUE,NAME2=VALUE2; no value may hold a comma"
            )
    return {name: value for name, _, value in pairs}
