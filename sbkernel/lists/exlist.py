"""exlist: what packimage leaves out of the image (grammar and matching: packimage of xCAT, find -path)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sbkernel.lists import text as files
from sbkernel.lists.diagnostic import Diagnostic, as_warnings, in_order, refuse_errors, shown
from sbkernel.lists.document import Document
from sbkernel.lists.include import TextReader, splice
from sbkernel.lists.rules import ExlistGrammar, ExlistRule, look_at_rule, rules

ALWAYS_EXCLUDED = (
    "./etc/init.d/statelite",
    "./etc/rc.sysinit.backup",
    "./.statelite*",
    "./.default*",
    "./.statebackup*",
)
"""What xCAT always leaves out."""


@dataclasses.dataclass(frozen=True, slots=True)
class Exlist:
    """Patterns such as `./usr/share/doc*`; `*` matches `/` too. A path that `include` matches stays.

    Two exlists are equal if their patterns are equal.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    rules: tuple[ExlistRule, ...] = dataclasses.field(default=(), compare=False, repr=False)
    diagnostics: tuple[Diagnostic, ...] = dataclasses.field(default=(), compare=False)
    documents: tuple[Document, ...] = dataclasses.field(default=(), compare=False, repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the lines that packing should log."""
        return as_warnings(self.diagnostics)

    def render(self) -> str:
        """Return the text of the files, byte for byte as they were read."""
        return "".join(document.render() for document in self.documents)


def parse(text: str, file: str = "exlist", *, read: TextReader | None = None) -> Exlist:
    """Parse the text of one list, without raising. Without `read`, includes are left out."""
    document = Document.parse(text, file)
    spliced = splice(document, ExlistGrammar(), read)
    found = tuple(rule for pieces in spliced.parts for rule in rules(pieces))
    notes = (note for rule in found for note in look_at_rule(rule))
    return _of(found, [*spliced.diagnostics, *notes], (document,))


def read(paths: Sequence[Path | str]) -> Exlist:
    """Read list files. Their order does not matter: what one keeps, another cannot leave out.

    Raises NotFoundError if a file is missing. Faults inside the files are in the diagnostics.
    """
    texts = [(str(path), files.text_of(Path(path), "exlist")) for path in paths]
    each = [parse(text, file, read=files.read_text) for file, text in texts]
    found = tuple(rule for one in each for rule in one.rules)
    notes = [note for one in each for note in one.diagnostics]
    return _of(found, notes, tuple(document for one in each for document in one.documents))


def load(paths: Sequence[Path | str]) -> Exlist:
    """Read list files as `read` does. Raises ListFileError for the first error in them."""
    loaded = read(paths)
    refuse_errors(loaded.diagnostics)
    return loaded


def compose(exclude: Iterable[str], include: Iterable[str] = ()) -> str:
    """Return the text of a list with these patterns."""
    return "".join([*(f"{pattern}\n" for pattern in exclude), *(f"+{pattern}\n" for pattern in include)])


def _of(found: tuple[ExlistRule, ...], notes: Iterable[Diagnostic], documents: tuple[Document, ...]) -> Exlist:
    exclude = dict.fromkeys(rule.pattern for rule in found if not rule.keep)
    include = dict.fromkeys(rule.pattern for rule in found if rule.keep)
    odd = (*_duplicates(found), *_covered(found))
    return Exlist(tuple(exclude), tuple(include), found, in_order([*notes, *odd]), documents)


def _covered(found: Iterable[ExlistRule]) -> Iterator[Diagnostic]:
    """Yield the patterns that only match what another one matches: ./usr/share/doc/x* beside ./usr/share/doc*."""
    rules_ = list(found)
    wide = {(rule.pattern[:-1], rule.keep): rule for rule in reversed(rules_) if _is_beginning(rule.pattern)}
    for rule in rules_:
        bare = rule.pattern.removesuffix("*")
        other = next((wide[bare[:n], rule.keep] for n in range(len(bare)) if (bare[:n], rule.keep) in wide), None)
        if other is not None:
            what = f"{shown(rule.pattern)} adds nothing to {shown(other.pattern)} at {other.where}"
            yield rule.note("info", what, "Remove one of them.")


def _is_beginning(pattern: str) -> bool:
    """Tell whether a pattern is the beginning of a path and a *."""
    return pattern.endswith("*") and not re.search(r"[*?\[\\]", pattern[:-1])


def _duplicates(found: Iterable[ExlistRule]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, bool], ExlistRule] = {}
    for rule in found:
        before = first.setdefault((rule.pattern, rule.keep), rule)
        if before is not rule:
            yield rule.note("info", f"{shown(rule.pattern)} is already listed at {before.where}", "Remove one of them.")
