"""synclist: files that go from the management node into images and nodes (grammar: xdcp -F of xCAT, DSHCLI.pm)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, as_warnings, in_order, refuse_errors
from sbkernel.lists.document import Document
from sbkernel.lists.syncline import SyncItem, items
from sbkernel.lists.synclint import NO_LINES, look_at_synclist


@dataclasses.dataclass(frozen=True, slots=True)
class Synclist:
    """All items in order, and what is wrong or odd."""

    items: tuple[SyncItem, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    documents: tuple[Document, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def section(self, clause: str = "") -> tuple[SyncItem, ...]:
        """Return the items of a clause such as APPEND, or the plain copies."""
        return tuple(item for item in self.items if item.clause == clause)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the lines that packing should log."""
        return as_warnings(self.diagnostics)

    def render(self) -> str:
        """Return the text of the files, byte for byte as they were read."""
        return "".join(document.render() for document in self.documents)


def parse(text: str, file: str = "synclist") -> Synclist:
    """Parse the text of one list, without raising."""
    document = Document.parse(text, file)
    found = tuple(items(document))
    return Synclist(found, in_order(look_at_synclist(document, found)), (document,))


def read(paths: Sequence[Path | str]) -> Synclist:
    """Read list files. Raises NotFoundError if one is missing; faults inside the files are in the diagnostics."""
    each = [parse(files.text_of(Path(path), "synclists"), str(path)) for path in paths]
    return Synclist(
        tuple(item for one in each for item in one.items),
        in_order(note for one in each for note in one.diagnostics),
        tuple(document for one in each for document in one.documents),
    )


def load(paths: Sequence[Path | str]) -> Synclist:
    """Read list files as `read` does. Raises ListFileError for the first error in them.

    A list without lines is one for xdcp; here it does nothing.
    """
    loaded = read(paths)
    refuse_errors(one for one in loaded.diagnostics if not one.message.startswith(NO_LINES))
    return loaded
