"""Import a file or directory into a site: find out what it is, read it, decide, and write one change set."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sbkernel.definitions.editing import overview
from sbkernel.definitions.importing.decide import ImportDecision, decide, needed
from sbkernel.definitions.importing.found import Found, Note
from sbkernel.definitions.store.interface import Key, Store, Transaction, Values
from sbkernel.definitions.store.journal import Entry
from sbkernel.errors import DefinitionError, ListFileError, NotFoundError

KINDS = ("stanza", "tabdump", "warewulf")
_WAREWULF = re.compile(r"^(WW_INTERNAL|nodeprofiles|nodes)\s*:", re.MULTILINE)
_STANZA = re.compile(r"^\s*objtype\s*=", re.MULTILINE)
_HINT = f"--format {'|'.join(KINDS)} says what it is."


def import_path(store: Store, path: Path | str, kind: str = "", *, dry_run: bool = False) -> ImportReport:
    """Import `path` (`-`: stdin) as one change set, or nothing if something fails. Return a report.

    `kind` is stanza, tabdump or warewulf, or "" to detect it. With `dry_run`, nothing is written.
    """
    found = read(path, kind)
    if dry_run:
        return ImportReport(str(path), found.kind, decide(found, _site(store, found)), dry_run)
    with store.write(f"import {path}") as transaction:
        decision = decide(found, _site(transaction, found))
        _write(transaction, decision)
    return ImportReport(str(path), found.kind, decision, dry_run, transaction.change)


def _site(store: Store | Transaction, found: Found) -> dict[Key, Values]:
    known = {
        (objtype, name): values
        for objtype, names in needed(found).items()
        for name, values in store.get_many(objtype, names).items()
    }
    return known | {("network", name): values for name, values in store.objects("network").items()}


def _write(transaction: Transaction, decision: ImportDecision) -> None:
    changed = decision.changed
    for objtype in {objtype for objtype, _ in changed}:
        transaction.put_many(objtype, {key[1]: decision.after[key] for key in changed if key[0] == objtype})


def read(path: Path | str, kind: str = "") -> Found:
    """Read `path`, or stdin for `-`. Raises NotFoundError, ListFileError, or DefinitionError for an unknown format."""
    where = Path(path)
    if kind not in ("", *KINDS):
        raise DefinitionError(f"no format {kind!r}", hint=f"There are {', '.join(KINDS)}.")
    if str(path) != "-" and where.is_dir():
        return _directory(where, kind)
    if where.suffix == ".csv" and kind in ("", "tabdump"):
        return _tables([where])
    text = _text(path)
    return _file(text, "stdin" if str(path) == "-" else str(path), kind or _kind_of(text, path))


def _directory(where: Path, kind: str) -> Found:
    tables, nodes = sorted(where.glob("*.csv")), where / "nodes.conf"
    if tables and kind in ("", "tabdump"):
        return _tables(tables)
    if nodes.is_file() and kind in ("", "warewulf"):
        return _file(_text(nodes), str(nodes), "warewulf")
    raise NotFoundError(f"{where} holds neither tables (*.csv, as dumpxCATdb writes them) nor nodes.conf")


def _tables(files: list[Path]) -> Found:
    from sbkernel.definitions.importing import csvtables

    return csvtables.read({file: _text(file) for file in files})


def _file(text: str, file: str, kind: str) -> Found:
    if kind == "warewulf":
        from sbkernel.definitions.importing import warewulf

        return warewulf.read(text, file)
    if kind == "stanza":
        from sbkernel.definitions.importing import stanzafile

        return stanzafile.read(text, file)
    raise DefinitionError(f"{file} is one file; tables are a directory of *.csv, or a file of that name", hint=_HINT)


def _kind_of(text: str, path: Path | str) -> str:
    if _STANZA.search(text):
        return "stanza"
    if _WAREWULF.search(text):
        return "warewulf"
    raise DefinitionError(f"{path} is neither a stanza file nor Warewulf's nodes.conf", hint=_HINT)


def _text(path: Path | str) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else Path(path).read_bytes().decode()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        where = "stdin" if str(path) == "-" else path
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ListFileError(where, line, "not UTF-8", hint="iconv -f latin1 -t utf-8 converts files.") from None


class ImportReport(NamedTuple):
    """What was read, what changed, and what was not understood."""

    source: str
    kind: str
    decision: ImportDecision
    dry_run: bool
    change: int | None = None
    """The number of the change set, for undo; None if nothing changed."""

    def __str__(self) -> str:
        return "\n".join([*self.summary(), *self.complaints()])

    def __repr__(self) -> str:
        return str(self)

    @property
    def notes(self) -> list[Note]:
        """Return what was not taken, or taken in another form."""
        return self.decision.notes

    def summary(self) -> Iterator[str]:
        """Yield one line for each object type: how many are new, changed and unchanged."""
        done = "would be imported" if self.dry_run else "imported"
        yield f"{self.source} ({self.kind}): {len(self.decision.after)} objects {done}"
        for objtype, counts in sorted(self._counts().items()):
            yield f"  {objtype}: " + ", ".join(f"{number} {fate}" for fate, number in counts.items() if number)
        if self.change is not None:
            yield f"sb undo {self.change} takes it back."

    def _counts(self) -> dict[str, Counter[str]]:
        counts: dict[str, Counter[str]] = {}
        for key, after in self.decision.after.items():
            before = self.decision.before[key]
            fate = "new" if before is None else "unchanged" if before == after else "changed"
            counts.setdefault(key[0], Counter({"new": 0, "changed": 0, "unchanged": 0}))[fate] += 1
        return counts

    def differences(self, *, new: bool = True) -> Iterator[str]:
        """Yield the attributes that change, before and after; also those of new objects, unless `new` is false."""
        before, after = self.decision.before, self.decision.after
        entries = (Entry(*key, before[key], after[key]) for key in self.decision.changed)
        return overview.before_and_after(entry for entry in entries if new or entry.before is not None)

    def complaints(self) -> Iterator[str]:
        """Yield each thing that was not taken, once, with all its places."""
        places: dict[str, list[str]] = {}
        for note in self.notes:
            places.setdefault(note.text, []).append(str(note.where))
        for text, where in places.items():
            also = f" (also {', '.join(one.partition(':')[2] or one for one in where[1:])})" if where[1:] else ""
            yield f"{where[0]}: {text}{also}"
