"""Objects and changes as text. Those that look alike share a line, and long lists are cut. Pure."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.definition import Definition, printable
from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.store.journal import Change, Entry

ROWS = 40
"""How many rows are shown of a long list."""
_WIDTH = 60
_COLUMNS = {
    "group": ("grouptype", "members", "wherevals"),
    "network": ("net", "mask", "mgtifname", "gateway", "dynamicrange"),
    "node": ("groups", "mgt", "provmethod", "status"),
    "osimage": ("osvers", "osarch", "profile", "provmethod", "parent"),
    "passwd": ("username", "password"),
}
_OTHERS = 4
_PLURALS = {"policy": "policies", "passwd": "passwd"}

Row = tuple[str, ...]
NAMED = 5
"""How many objects a line names."""


class Edit(NamedTuple):
    """One attribute of one object, before and after, as it may be printed."""

    name: str
    attribute: str
    before: str
    after: str


class Overview(NamedTuple):
    """Objects of one type as a table: names first, then the columns that any of them has."""

    title: str
    columns: list[str]
    rows: list[Row]
    more: str
    """The remark about the rows that are left out; "" if there are none."""

    @property
    def text(self) -> str:
        """Return the table as aligned lines."""
        shown = [("", *self.columns), *self.rows] if self.rows else []
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in shown)
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in lines), *_indented(self.more)])


def overview(objtype: str, definitions: Mapping[str, Definition]) -> Overview:
    """Return objects as a table. Those that look alike share a row."""
    columns = _columns(objtype, definitions.values())
    alike: dict[Row, list[str]] = {}
    for name, one in definitions.items():
        shown = one.attributes.shown()
        own = name if objtype != "node" else ""
        alike.setdefault((own, *(shown.get(column, "") for column in columns)), []).append(name)
    first = itertools.islice(alike.items(), ROWS)
    rows = [(_short(fold(names)), *map(_cell, columns, row[1:])) for row, names in first]
    return Overview(_count(objtype, len(definitions)), columns, rows, more(len(alike)))


def more(count: int) -> str:
    """Return how many of `count` rows are left out, in words; "" if all are shown."""
    return f"and {count - ROWS:,} more rows" if count > ROWS else ""


def edited(edits: Iterable[Edit]) -> list[tuple[str, str, str, str]]:
    """Return edits as names, attribute, before and after. Objects that change in the same way share a row."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for name, key, before, after in edits:
        alike.setdefault((key, _cell(key, before), _cell(key, after)), []).append(name)
    return [(_short(fold(names)), *row) for row, names in alike.items()]


def lines(edits: Iterable[Edit]) -> list[str]:
    """Return edits as lines: names attribute: before -> after."""
    rows = edited(edits)
    shown = (f"  {names}  {key}: {before or '(unset)'} -> {after or '(unset)'}" for names, key, before, after in rows)
    return [*itertools.islice(shown, ROWS), *_indented(more(len(rows)))]


def entries(found: Iterable[Entry]) -> list[str]:
    """Return what a change set did, or undid, as such lines."""
    return lines(edit for entry in found for edit in _edits(entry))


def _edits(entry: Entry) -> Iterator[Edit]:
    before, after = (printable(entry.objtype, values or {}) for values in (entry.before, entry.after))
    for key in sorted(before.keys() | after.keys()):
        if (entry.before or {}).get(key) != (entry.after or {}).get(key):
            yield Edit(entry.name, key, before.get(key, ""), after.get(key, ""))


def _count(objtype: str, count: int) -> str:
    return f"{count:,} {objtype if count == 1 else _PLURALS.get(objtype, f'{objtype}s')}"


def _indented(remark: str) -> list[str]:
    return [f"  {remark}"] if remark else []


def _columns(objtype: str, definitions: Collection[Definition]) -> list[str]:
    if known := _COLUMNS.get(objtype):
        return [name for name in known if any(name in one.attributes for one in definitions)]
    return list({key: None for one in definitions for key in one.attributes if "." not in key})[:_OTHERS]


def _cell(column: str, value: str) -> str:
    return _short(fold(value.split(","))) if column == "members" and value else _short(value)


def _short(value: str) -> str:
    return value if len(value) <= _WIDTH else f"{value[: _WIDTH - 1]}…"


def change_line(change: Change, entries: Sequence[Entry]) -> str:
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


def before_and_after(entries: Iterable[Entry], *, reveal: bool = False) -> Iterator[str]:
    """Yield every object and its attributes that differ, with `-` before and `+` after. Secrets are ***."""
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
