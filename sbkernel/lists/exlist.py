"""exlist: what packimage leaves out of the image (grammar and matching: xCAT's packimage, find -path)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, as_warnings, in_order, refuse_errors, shown
from sbkernel.lists.document import Document
from sbkernel.lists.include import Reader, splice
from sbkernel.lists.rules import ExlistGrammar, Rule, look, rules

ALWAYS = ("./etc/init.d/statelite", "./etc/rc.sysinit.backup", "./.statelite*", "./.default*", "./.statebackup*")
"""What xCAT leaves out whatever the list says."""


@dataclasses.dataclass(frozen=True, slots=True)
class Exlist:
    """Patterns such as `./usr/share/doc*`; `*` matches `/` too. A path that `include` matches stays.

    Two are equal when their patterns are.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = dataclasses.field(default=(), compare=False, repr=False)
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    documents: tuple[Document, ...] = dataclasses.field(default=(), compare=False, repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what packing should log."""
        return as_warnings(self.diagnostics)

    def render(self) -> str:
        """Return the text of the files, byte for byte as they were read."""
        return "".join(document.render() for document in self.documents)


def parse(text: str, file: str = "exlist", *, read: Reader | None = None) -> Exlist:
    """Parse the text of one list; nothing is raised. Without `read`, what it includes is left out."""
    document = Document.parse(text, file)
    spliced = splice(document, ExlistGrammar(), read)
    found = tuple(rule for pieces in spliced.parts for rule in rules(pieces))
    notes = (note for rule in found for note in look(rule))
    return _of(found, [*spliced.diagnostics, *notes], (document,))


def read(paths: Sequence[Path | str]) -> Exlist:
    """Read list files; their order does not matter: includes win over excludes.

    NotFoundError when a file is missing; what is wrong inside is among the diagnostics.
    """
    texts = [(str(path), files.text_of(Path(path), "exlist")) for path in paths]
    each = [parse(text, file, read=files.read_text) for file, text in texts]
    found = tuple(rule for one in each for rule in one.rules)
    notes = [note for one in each for note in one.diagnostics]
    return _of(found, notes, tuple(document for one in each for document in one.documents))


def load(paths: Sequence[Path | str]) -> Exlist:
    """Read list files like `read`; ListFileError for the first error in them."""
    loaded = read(paths)
    refuse_errors(loaded.diagnostics)
    return loaded


def compose(exclude: Iterable[str], include: Iterable[str] = ()) -> str:
    """Return a text that parses to these patterns."""
    return "".join([*(f"{pattern}\n" for pattern in exclude), *(f"+{pattern}\n" for pattern in include)])


def _of(found: tuple[Rule, ...], notes: Iterable[Diagnostic], documents: tuple[Document, ...]) -> Exlist:
    exclude = dict.fromkeys(rule.pattern for rule in found if not rule.keep)
    include = dict.fromkeys(rule.pattern for rule in found if rule.keep)
    return Exlist(tuple(exclude), tuple(include), found, in_order([*notes, *_duplicates(found)]), documents)


def _duplicates(found: Iterable[Rule]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, bool], Rule] = {}
    for rule in found:
        before = first.setdefault((rule.pattern, rule.keep), rule)
        if before is not rule:
            yield rule.note("info", f"{shown(rule.pattern)} is there before, at {before.where}", "Remove one of them.")
