"""The last edit of a list, kept beside the list so that it can be undone: the files and the attribute before it."""

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
    """The text of a file before an edit (None if it did not exist), and the digest of its text after the edit."""

    path: Path
    before: str | None
    after: str | None

    @property
    def untouched(self) -> bool:
        """Tell whether the file has not changed since the edit."""
        return text_digest(text_or_none(self.path)) == self.after


@dataclasses.dataclass(frozen=True, slots=True)
class Backup:
    """One edit: its files, and the attribute before and after."""

    attribute_before: str
    attribute_after: str
    files: tuple[FileBefore, ...]

    def made(self, path: Path) -> bool:
        """Tell whether the edit made a file that nobody has changed since; it may be overwritten."""
        return any(one.path == path and one.before is None and one.untouched for one in self.files)


def text_digest(text: str | None) -> str | None:
    """Return the digest of a text, or None for None."""
    return None if text is None else hashlib.sha256(encoded(text)).hexdigest()


def text_or_none(path: Path) -> str | None:
    """Return the text of a file, or None if it does not exist."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return None


def undo_path(own: Path) -> Path:
    """Return where the last edit of a list of the site is kept."""
    return own.with_name(f".{own.name}.undo")


def save(own: Path, backup: Backup) -> None:
    """Keep an edit in place of the last one."""
    rows = [{"path": str(one.path), "before": one.before, "after": one.after} for one in backup.files]
    data = {"before": backup.attribute_before, "after": backup.attribute_after, "files": rows}
    write_whole(undo_path(own), json.dumps(data, indent=1) + "\n", durable=True)


def load(own: Path) -> Backup | None:
    """Return the last edit, or None. Raises DefinitionError if its record cannot be read."""
    text = text_or_none(undo_path(own))
    if text is None:
        return None
    try:
        return _backup(json.loads(text))
    except (ValueError, KeyError, TypeError):
        raise DefinitionError(
            f"{undo_path(own)} cannot be read", hint="Remove it; the lists themselves are not damaged."
        ) from None


def _backup(data: dict[str, Any]) -> Backup:
    rows = (FileBefore(Path(row["path"]), row["before"], row["after"]) for row in data["files"])
    return Backup(str(data["before"]), str(data["after"]), tuple(rows))
