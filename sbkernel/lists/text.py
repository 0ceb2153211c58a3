"""Read list files; bytes that are no UTF-8 pass through, as in xCAT, and come out the same when written."""

from __future__ import annotations

from pathlib import Path

from sbkernel.errors import NotFoundError


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
    """Return the text of a list file of a `kind` such as pkglist; NotFoundError in xCAT's words when it is missing."""
    if not path.is_file():
        raise NotFoundError(f"The {kind} specified '{path}' does not exist!", hint="chdef can name another.")
    return read_text(path)


def paths_of(attribute: str) -> list[Path]:
    """Return the files of an attribute that is a comma list of paths."""
    return [Path(word.strip()) for word in attribute.split(",") if word.strip()]
