"""Read list files; bytes that are no UTF-8 pass through, as in xCAT, and come out the same when written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from sbkernel.errors import NotFoundError, SbkernelError


def read_text(path: Path) -> str:
    """Return the text of a file, line ends as they are."""
    return decoded(path.read_bytes())


def decoded(data: bytes) -> str:
    """Return bytes as text."""
    return data.decode(errors="surrogateescape")


def encoded(text: str) -> bytes:
    """Return text as the bytes that it was read from."""
    return text.encode(errors="surrogateescape")


def text_of(path: Path, kind: str) -> str:
    """Return the text of a list file of a `kind` such as pkglist; raise what `refusal` returns."""
    if error := refusal(path, kind):
        raise error
    return read_text(path)


def refusal(path: Path, kind: str) -> SbkernelError | None:
    """Return why a file cannot be read, a NotFoundError in xCAT's words when it is missing; None when it can."""
    if missing(path, stat.S_ISREG):
        return NotFoundError(f"The {kind} specified '{path}' does not exist!", hint="chdef can name another.")
    if not os.access(path, os.R_OK):
        return SbkernelError(f"The {kind} specified '{path}' cannot be read.", hint="Its owner, or root, may read it.")
    return None


def missing(path: Path, of_kind: Callable[[int], bool] = bool) -> bool:
    """Tell whether surely no file of a kind (stat.S_ISREG) has a path, however odd that is."""
    try:
        return not of_kind(path.stat().st_mode)
    except PermissionError:
        return False
    except (OSError, ValueError):
        return True


def paths_of(attribute: str) -> list[Path]:
    """Return the files of an attribute that is a comma list of paths."""
    return [Path(word.strip()) for word in attribute.split(",") if word.strip()]
