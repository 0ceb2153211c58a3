"""What has to change in a site that an older version of the program made. Pure but for the transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sbkernel.definitions import newsite
from sbkernel.definitions.store.interface import Transaction

_PAUSE_S = 0.05
"""Less than any verb takes to start, more than a transaction waited between two objects."""


class OldChange(NamedTuple):
    """Rows of format 1 that one transaction wrote."""

    t: float
    who: str
    what: str
    rows: list[tuple[str, str, str | None, str | None]]


def change_sets(rows: Iterable[tuple[Any, ...]]) -> Iterator[OldChange]:
    """Put rows of format 1 (t, who, what, objtype, name, before, after) together; it did not say which belong."""
    current: OldChange | None = None
    latest, seen = 0.0, set[tuple[str, str]]()
    for t, who, what, objtype, name, before, after in rows:
        pause_s = t - latest
        if current is None or not _belongs(current, who, what, pause_s) or (objtype, name) in seen:
            if current is not None:
                yield current
            current, seen = OldChange(t, who, what, []), set()
        current.rows.append((objtype, name, before, after))
        seen.add((objtype, name))
        latest = t
    if current is not None:
        yield current


def _belongs(current: OldChange, who: str, what: str, pause_s: float) -> bool:
    return (current.who, current.what) == (who, what) and 0 <= pause_s < _PAUSE_S


def to_format_2(transaction: Transaction) -> None:
    """Say of every defined group that it is static, and add the groups that a new site holds."""
    for name, values in transaction.objects("group").items():
        if "grouptype" not in values:
            transaction.put("group", name, {**values, "grouptype": "static"})
    for name, values in newsite.groups().items():
        if transaction.get("group", name) is None:
            transaction.put("group", name, values)
