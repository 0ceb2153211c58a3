"""How changes are shown: one line a change set, and what is before and after in each object. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbkernel.definitions.definition import printable
from sbkernel.definitions.store.journal import Change, Entry

NAMED = 5
"""How many objects a line names."""


def line(change: Change, entries: Sequence[Entry]) -> str:
    """Return `number  time  who  what  objects`; at most NAMED objects are named."""
    when = datetime.datetime.fromtimestamp(change.t).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return f"{change.id}  {when}  {change.who}  {change.what}  {_objects(change, entries[:NAMED])}"


def _objects(change: Change, entries: Sequence[Entry]) -> str:
    named: dict[str, list[str]] = {}
    for one in entries:
        named.setdefault(one.objtype, []).append(one.name)
    texts = [f"{objtype} {','.join(names)}" for objtype, names in named.items()]
    more = change.objects - len(entries)
    return " ".join(texts) + (f" and {more} more" if more > 0 else "")


def diff(entries: Iterable[Entry], *, reveal: bool = False) -> Iterator[str]:
    """Yield every object and its attributes that differ, `-` before and `+` after; secrets are ***."""
    for one in entries:
        yield f"{one.objtype} {one.name}{_fate(one)}"
        before, after = (_shown(one.objtype, values, reveal) for values in (one.before, one.after))
        for key in sorted(before.keys() | after.keys()):
            if (one.before or {}).get(key) != (one.after or {}).get(key):
                yield from (
                    f"  {sign} {key}={side[key]}" for sign, side in (("-", before), ("+", after)) if key in side
                )


def _fate(one: Entry) -> str:
    return " (new)" if one.before is None else " (removed)" if one.after is None else ""


def _shown(objtype: str, values: Mapping[str, str] | None, reveal: bool) -> Mapping[str, str]:
    return (values or {}) if reveal else printable(objtype, values or {})
