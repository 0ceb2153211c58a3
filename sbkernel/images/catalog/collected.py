"""What a collection removed and what it kept, as a value: its sum in words, and a frame. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbkernel.images.catalog.collecting import Item
from sbkernel.units import size

if TYPE_CHECKING:
    import pandas as pd

_PLURAL = {
    "version": "versions", "layer": "layers", "package": "downloaded packages", "index": "package indexes",
    "plan": "plans", "input": "inputs of jobs", "copy": "unfinished copies of discs", "log": "logs", "job": "jobs",
    "record": "records", "other": "others",
}  # fmt: skip
_ONE = {
    "package": "downloaded package", "index": "package index", "input": "input of a job",
    "copy": "unfinished copy of a disc",
}  # fmt: skip
_COLUMNS = ["kind", "name", "bytes", "used", "goes", "why"]


@dataclass(frozen=True)
class Collected:
    """What a collection removed, or would remove in a dry run, and what it kept; `leftover_bytes`: of killed ones."""

    items: tuple[Item, ...]
    dry_run: bool
    leftover_bytes: int = 0

    @property
    def gone(self) -> list[Item]:
        """Return what was removed, or would be."""
        return [item for item in self.items if item.goes]

    @property
    def kept(self) -> list[Item]:
        """Return what stays."""
        return [item for item in self.items if not item.goes]

    @property
    def freed_bytes(self) -> int:
        """Return how many bytes were freed, or would be."""
        return self.leftover_bytes + sum(item.size_bytes for item in self.gone)

    @property
    def kept_bytes(self) -> int:
        """Return how many bytes stay."""
        return sum(item.size_bytes for item in self.kept)

    @property
    def df(self) -> pd.DataFrame:
        """Return a row an item: kind, name, bytes, when it was last needed, whether it goes, why it stays."""
        import pandas as pd

        rows = [
            (item.kind, item.name, item.size_bytes, pd.Timestamp(item.last_used, unit="s", tz="UTC"), item.goes,
             "; ".join(item.why))
            for item in self.items
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=_COLUMNS)

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the items as plain values; `last_used` in seconds since the epoch."""
        return [
            {"kind": item.kind, "name": item.name, "bytes": item.size_bytes, "last_used": item.last_used,
             "goes": item.goes, "why": list(item.why)}
            for item in self.items
        ]  # fmt: skip

    def __str__(self) -> str:
        """Return the sum: how many of each kind, and how many bytes."""
        numbers = Counter(item.kind for item in self.gone)
        parts = [count(kind, number) for kind, number in numbers.items()]
        parts += ["what killed runs had left"] if self.leftover_bytes else []
        if not parts:
            return "nothing to remove"
        return f"{'would free' if self.dry_run else 'freed'} {size(self.freed_bytes)}: {', '.join(parts)}"


def count(kind: str, number: int) -> str:
    """Return how many there are of a kind of item, in words."""
    return f"{number} {_ONE.get(kind, kind) if number == 1 else _PLURAL[kind]}"
