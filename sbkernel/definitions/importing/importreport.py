"""What an import did, or would do: a report for people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sbkernel.definitions.editing import overview
from sbkernel.definitions.importing.decide import Decision
from sbkernel.definitions.importing.found import Note
from sbkernel.definitions.store.journal import Entry


class ImportReport(NamedTuple):
    """What came in, what changed, and what was not understood."""

    source: str
    kind: str
    decision: Decision
    dry_run: bool
    change: int | None = None
    """Number of the change set, for undo; None when nothing changed."""

    def __str__(self) -> str:
        return "\n".join([*self.summary(), *self.complaints()])

    def __repr__(self) -> str:
        return str(self)

    @property
    def notes(self) -> list[Note]:
        """Return what was not taken, or not as it stands."""
        return self.decision.notes

    def summary(self) -> Iterator[str]:
        """Yield one line a type of object: how many are new, changed, and as they were."""
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
        """Yield the attributes before and after of what changes, of new objects too unless `new` is false."""
        before, after = self.decision.before, self.decision.after
        entries = (Entry(*key, before[key], after[key]) for key in self.decision.changed)
        return overview.before_and_after(entry for entry in entries if new or entry.before is not None)

    def complaints(self) -> Iterator[str]:
        """Yield what was not taken, once each, with all the places where it stands."""
        places: dict[str, list[str]] = {}
        for note in self.notes:
            places.setdefault(note.text, []).append(str(note.where))
        for text, where in places.items():
            also = f" (also {', '.join(one.partition(':')[2] or one for one in where[1:])})" if where[1:] else ""
            yield f"{where[0]}: {text}{also}"
