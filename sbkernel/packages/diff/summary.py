"""A diff on one screen: what moved that deserves attention, how much of the rest, what grew. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sbkernel.packages.diff.change import (
    ADDED,
    ARCH_CHANGED,
    CHANGED,
    DOWNGRADED,
    REBUILT,
    REMOVED,
    REPLACED,
    SOURCE,
    UPDATED,
    Changes,
    PackageChange,
)
from sbkernel.units import size

NAMED = (REMOVED, DOWNGRADED, REPLACED, ARCH_CHANGED, CHANGED, REBUILT, ADDED)
"""Kinds whose packages are named, as far as there is room."""
_PLAIN = (UPDATED, REPLACED, ARCH_CHANGED)
_SHOWN = 3
_GREW_BYTES = 1_000_000
_WIDTH, _ROOM = 110, 80


def summary(diff: Changes) -> str:
    """Return at most 24 lines: both names, the headline, then a line a fact."""
    facts = [*_moved(diff), *_named(diff), *_grown(diff)]
    width = max((len(label) for label, _ in facts), default=0)
    how = ", by source package" if diff.by == SOURCE else ""
    lines = [f"{diff.a.name} -> {diff.b.name}{how}", headline(diff)]
    return "\n".join([*lines, *(_cut(f"  {label:<{width}}  {text}") for label, text in facts)][:24])


def headline(diff: Changes) -> str:
    """Return one line: kernel, glibc, slurm moved; 3 added, 41 updated, +212.0 MB."""
    if not diff.rows:
        return f"the same sources of {_count(len(diff.b))}" if diff.by == SOURCE else f"the same {_count(len(diff.b))}"
    moved = f"{', '.join(diff.moved)} moved; " if diff.moved else ""
    counts = ", ".join(f"{count} {kind}" for kind, count in _counts(diff))
    return f"{moved}{counts}" + (f", {growth(diff)}" if diff.sized else "")


def growth(diff: Changes) -> str:
    """Return by how much the packages grew: +212.0 MB (+9.1 %)."""
    percent = percentage(diff)
    return f"{signed(diff.delta_bytes)}" + ("" if percent is None else f" ({percent:+.1f} %)")


def percentage(diff: Changes) -> float | None:
    """Return by how many percent the packages grew, None if nothing was there or sizes are not known."""
    return diff.delta_bytes / diff.a.size_bytes * 100 if diff.sized and diff.a.size_bytes else None


def signed(count: int) -> str:
    """Return bytes with sign and unit; no growth is 0 B."""
    return f"+{size(count)}" if count > 0 else size(count)


def movement(row: PackageChange) -> str:
    """Return a row in words, with the architecture where that changed."""
    return f"{row} ({row.arch})" if row.change == ARCH_CHANGED else str(row)


def remark(row: PackageChange) -> str:
    """Return a row in words, with what the versions do not tell: openssl 3.0 -> 1.1 (downgraded)."""
    return movement(row) if row.change in _PLAIN else f"{row} ({row.change})"


def _counts(diff: Changes) -> Iterator[tuple[str, int]]:
    """Yield the kinds that occur, the usual ones first."""
    order = ["added", "updated", *(kind for kind in diff.counts if kind not in ("added", "updated"))]
    return ((kind, diff.counts[kind]) for kind in order if kind in diff.counts)


def _moved(diff: Changes) -> Iterator[tuple[str, str]]:
    for group, rows in diff.moved.items():
        yield group, _listed(rows, remark)


def _named(diff: Changes) -> Iterator[tuple[str, str]]:
    for kind in NAMED:
        rows = [row for row in diff.rows if row.change == kind and not row.attention]
        if rows:
            yield kind, _listed(rows, movement)


def _grown(diff: Changes) -> Iterator[tuple[str, str]]:
    if not diff.sized:
        return
    largest = sorted(diff.rows, key=lambda row: -abs(row.delta))
    shown = [f"{row.name} {signed(row.delta)}" for row in islice(largest, _SHOWN) if abs(row.delta) >= _GREW_BYTES]
    if shown:
        yield "grew most", ", ".join(shown)


def _listed(rows: Sequence[PackageChange], said: Callable[[PackageChange], str]) -> str:
    """Return as many rows as fit on a line, those that were asked for first: they say more."""
    texts = [said(row) for row in sorted(rows, key=lambda row: (not row.package.explicit, -row.package.size_bytes))]
    fitting = next((n for n in range(len(texts), 1, -1) if len(", ".join(texts[:n])) <= _ROOM), 1)
    more = len(texts) - fitting
    return ", ".join(texts[:fitting]) + (f" and {more} more" if more else "")


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def _count(number: int) -> str:
    return "1 package" if number == 1 else f"{number} packages"
