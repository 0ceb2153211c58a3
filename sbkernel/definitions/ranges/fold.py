"""Fold names for display: n1, n2, n3 become n[1-3]. noderange and expand read the result back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sbkernel.definitions.ranges.spell import spelled

_FIELD = re.compile(r"(\d+)", re.ASCII)
_LONGEST = 15
"""Longer numbers are treated as text."""

Fields = tuple[str, ...]
"""A name split at its numbers: text, number, text, ... A folded number is `[...]`."""


def fold(names: Iterable[str]) -> str:
    """Return names as a short noderange, sorted by their numbers: `n[1-20],gpu1`."""
    rows: list[Fields] = [tuple(_FIELD.split(name)) for name in dict.fromkeys(names)]
    for back in range(2, max(map(len, rows), default=0) + 1, 2):
        rows = _folded(rows, back)
    return ",".join(_written(row) for row in sorted(rows, key=_order))


def _folded(rows: Iterable[Fields], back: int) -> list[Fields]:
    """Fold the number that is `back` fields before the end, in rows whose other fields are the same."""
    whole: list[Fields] = []
    alike: dict[tuple[Fields, Fields], dict[str, None]] = {}
    for row in rows:
        at = len(row) - back
        if at > 0:
            alike.setdefault((row[:at], row[at + 1 :]), {})[row[at]] = None
        else:
            whole.append(row)
    folded = ((*head, field, *tail) for (head, tail), numbers in alike.items() for field in _fields(head, numbers))
    return [*whole, *folded]


def _fields(head: Fields, numbers: Mapping[str, None]) -> list[str]:
    # A range must begin with a name: [5-6] is not a range.
    if len(numbers) == 1 or head == ("",):
        return list(numbers)
    usable = [number for number in numbers if len(number) <= _LONGEST]
    others = [number for number in numbers if len(number) > _LONGEST]
    return [*others, f"[{','.join(_ranges(usable))}]"] if len(usable) > 1 else list(numbers)


def _ranges(numbers: Iterable[str]) -> list[str]:
    """Return runs such as 1-3 and 08-11. Numbers with leading zeros only join numbers of the same width."""
    padded = {len(number) for number in numbers if number[0] == "0" and len(number) > 1}
    runs: list[list[str]] = []
    last = (-1, -1)
    for width, value, number in sorted((len(n) if len(n) in padded else 0, int(n), n) for n in numbers):
        if last == (width, value - 1):
            runs[-1].append(number)
        else:
            runs.append([number])
        last = (width, value)
    return [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]


def _order(row: Fields) -> tuple[tuple[str, int], ...]:
    keys = []
    for text, number in zip(row[::2], (*row[1::2], ""), strict=True):
        first = _FIELD.search(number)
        keys.append((text, int(first[1]) if first and len(first[1]) <= _LONGEST else -1))
    return tuple(keys)


def _written(row: Fields) -> str:
    """Return a row as text. If a plain name looks like a range, its last number is put in brackets."""
    name, head = "".join(row), "".join(row[:-2])
    if "[" in name or not head or spelled(name) == [name]:
        return name
    return f"{head}[{row[-2]}]{row[-1]}"
