"""synclist: files that go from the management node into images and nodes (grammar: xdcp -F of xCAT, DSHCLI.pm)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, as_warnings, in_order, refuse_errors
from sbkernel.lists.document import Document
from sbkernel.lists.syncline import SyncItem, clause_of, items
from sbkernel.lists.synclint import look_at_synclist


@dataclasses.dataclass(frozen=True, slots=True)
class Synclist:
    """All items in order, and what is wrong or odd."""

    items: tuple[SyncItem, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    documents: tuple[Document, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def section(self, clause: str = "") -> tuple[SyncItem, ...]:
        """Return the items of a clause such as APPEND, or the plain copies."""
        return tuple(item for item in self.items if item.clause == clause)

    def in_image(self) -> tuple[SyncItem, ...]:
        """Return what packimage copies. xCAT stops at the first clause of a file, and skips lines for some nodes."""
        return tuple(item for one in self.documents for item in self._before_clauses(one) if item.noderange is None)

    def _before_clauses(self, document: Document) -> Iterator[SyncItem]:
        stop = next((line.number for line in document.lines() if clause_of(line.text)), len(document.rows) + 1)
        return (item for item in self.items if item.line.file == document.file and item.line.number < stop)

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
    """Read list files as `read` does. Raises ListFileError for the first error in them."""
    loaded = read(paths)
    refuse_errors(loaded.diagnostics)
    return loaded
