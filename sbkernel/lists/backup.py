"""The last edit of a list, kept beside the own lists so that it can be taken back: files and attribute before it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from sbkernel.errors import DefinitionError
from sbkernel.files import write_whole
from sbkernel.lists.text import encoded, read_text


@dataclasses.dataclass(frozen=True, slots=True)
class FileBefore:
    """A file before an edit, None where there was none, and the digest of what the edit made of it."""

    path: Path
    before: str | None
    after: str | None

    @property
    def untouched(self) -> bool:
        """Tell whether the file is still what the edit made of it."""
        return digest_of(text_or_none(self.path)) == self.after


@dataclasses.dataclass(frozen=True, slots=True)
class Backup:
    """One edit: the attribute before and after, and the files."""

    attribute_before: str
    attribute_after: str
    files: tuple[FileBefore, ...]

    def made(self, path: Path) -> bool:
        """Tell whether a file is ours to overwrite: the edit made it, and nobody changed it since."""
        return any(one.path == path and one.before is None and one.untouched for one in self.files)


def digest_of(text: str | None) -> str | None:
    """Return the digest of a text, None for none."""
    return None if text is None else hashlib.sha256(encoded(text)).hexdigest()


def text_or_none(path: Path) -> str | None:
    """Return the text of a file, None when there is none."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return None


def place(own: Path) -> Path:
    """Return where the last edit of an own list is kept."""
    return own.with_name(f".{own.name}.undo")


def save(own: Path, backup: Backup) -> None:
    """Keep an edit; it replaces the one before."""
    rows = [{"path": str(one.path), "before": one.before, "after": one.after} for one in backup.files]
    data = {"before": backup.attribute_before, "after": backup.attribute_after, "files": rows}
    write_whole(place(own), json.dumps(data, indent=1) + "\n", durable=True)


def load(own: Path) -> Backup | None:
    """Return the last edit, None when there was none; DefinitionError when its record cannot be read."""
    text = text_or_none(place(own))
    if text is None:
        return None
    try:
        return _backup(json.loads(text))
    except (ValueError, KeyError, TypeError):
        raise DefinitionError(
            f"{place(own)} cannot be read", hint="Remove it; the lists themselves are whole."
        ) from None


def _backup(data: dict[str, Any]) -> Backup:
    rows = (FileBefore(Path(row["path"]), row["before"], row["after"]) for row in data["files"])
    return Backup(str(data["before"]), str(data["after"]), tuple(rows))
