"""How collections, selections and changes show themselves: what is alike is one line, and long lists are cut. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from sbkernel.definitions.definition import Definition, printable
from sbkernel.definitions.editing.changeset import ChangeSet, Edit
from sbkernel.definitions.ranges.fold import fold
from sbkernel.definitions.store.journal import Entry
from sbkernel.html import TONES, TRACK, card, chip, div, el, heading, mono, muted, pairs, span, table

if TYPE_CHECKING:
    from sbkernel.definitions.editing.selection import Objects

ROWS = 40
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


def folded(names: Iterable[str]) -> str:
    """Return names as short as a noderange can say them; a part of a very long list."""
    return fold(names)


def definition_text(one: Definition) -> str:
    """Return a definition in the manner of lsdef."""
    return "\n".join([f"{one.objtype}: {one.name}", *(f"    {k}={v}" for k, v in one.attributes.shown().items())])


def definition_html(one: Definition) -> Markup:
    """Return a definition as a card."""
    values = {name: mono(value) for name, value in one.attributes.shown().items()}
    return card(heading(one.name, muted(one.objtype)), pairs(values))


def text(objects: Objects) -> str:
    """Return objects as aligned lines, those that look alike as one."""
    columns, rows, count = _rows(objects)
    shown = [("", *columns), *rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in shown)
    return "\n".join([_count(objects), *(f"  {line}".rstrip() for line in lines), *_cut(count)])


def html(objects: Objects) -> Markup:
    """Return objects as a table, those that look alike as one row."""
    columns, rows, count = _rows(objects)
    cells = [[span(row[0], style="font-weight:600"), *row[1:]] for row in rows]
    left = "".join(_cut(count))
    return card(
        heading(_count(objects)),
        div(table(["", *columns], cells), style="overflow:auto") if rows else None,
        div(muted(left)) if left else None,
    )


def _count(objects: Objects) -> str:
    plural = _PLURALS.get(objects.objtype, f"{objects.objtype}s")
    return f"{len(objects):,} {objects.objtype if len(objects) == 1 else plural}"


def _cut(count: int) -> list[str]:
    return [f"  and {count - ROWS:,} more rows"] if count > ROWS else []


def _rows(objects: Objects) -> tuple[list[str], list[Row], int]:
    """Return the columns that any object has, the first rows, and how many there are; those alike are one row."""
    definitions = objects.many(objects)
    columns = _columns(objects.objtype, definitions.values())
    alike: dict[Row, list[str]] = {}
    for name, one in definitions.items():
        shown = printable(objects.objtype, {column: one.get(column) for column in columns})
        own = name if objects.objtype != "node" else ""
        alike.setdefault((own, *shown.values()), []).append(name)
    rows = itertools.islice(alike.items(), ROWS)
    return columns, [(_short(folded(names)), *map(_cell, columns, row[1:])) for row, names in rows], len(alike)


def _columns(objtype: str, definitions: Collection[Definition]) -> list[str]:
    if known := _COLUMNS.get(objtype):
        return [name for name in known if any(name in one.attributes for one in definitions)]
    return list({key: None for one in definitions for key in one.attributes if "." not in key})[:_OTHERS]


def _cell(column: str, value: str) -> str:
    return _short(folded(value.split(","))) if column == "members" and value else _short(value)


def _short(value: str) -> str:
    return value if len(value) <= _WIDTH else f"{value[: _WIDTH - 1]}…"


def changes_text(changes: ChangeSet) -> str:
    """Return a change as lines: names attribute: before -> after."""
    return "\n".join([_summary(changes), *_lines(changes.edits)])


def entries(found: Iterable[Entry]) -> list[str]:
    """Return what a change set did, or undid, as such lines."""
    return _lines(edit for entry in found for edit in _edits(entry))


def _edits(entry: Entry) -> Iterator[Edit]:
    before, after = (printable(entry.objtype, values or {}) for values in (entry.before, entry.after))
    for key in sorted(before.keys() | after.keys()):
        if (entry.before or {}).get(key) != (entry.after or {}).get(key):
            yield Edit(entry.name, key, before.get(key, ""), after.get(key, ""))


def _lines(edits: Iterable[Edit]) -> list[str]:
    rows = _edited(edits)
    lines = (f"  {names}  {key}: {before or '(unset)'} -> {after or '(unset)'}" for names, key, before, after in rows)
    return [*itertools.islice(lines, ROWS), *_cut(len(rows))]


def changes_html(changes: ChangeSet) -> Markup:
    """Return a change as a table of before and after."""
    rows = _edited(changes.edits)
    cells = [[name, key, _value(before, "bad"), _value(after, "ok")] for name, key, before, after in rows[:ROWS]]
    said, tone = {"open": ("not applied yet", "warn"), "applied": ("applied", "ok")}.get(
        changes.state, (changes.state, "quiet")
    )
    left = "".join(_cut(len(rows)))
    return card(
        heading(_summary(changes), chip(said, tone) if rows else None),
        div(table([changes.objtype, "attribute", "before", "after"], cells), style="overflow:auto") if rows else None,
        div(muted(left)) if left else None,
        _notes(changes),
    )


def _summary(changes: ChangeSet) -> str:
    if not len(changes):
        return "Nothing changes"
    new = f", {len(changes.created):,} of them new" if changes.created else ""
    objects = "object" if len(changes.names) == 1 else "objects"
    return f"{len(changes.names):,} {objects}{new}"


def _edited(edits: Iterable[Edit]) -> list[tuple[str, str, str, str]]:
    alike: dict[tuple[str, str, str], list[str]] = {}
    for name, key, before, after in edits:
        alike.setdefault((key, _cell(key, before), _cell(key, after)), []).append(name)
    return [(_short(folded(names)), *row) for row, names in alike.items()]


def _value(value: str, tone: str) -> Markup:
    if not value:
        return muted("unset")
    return span(mono(value), style=f"color:{TONES[tone]};background-color:{TRACK};padding:0 4px;border-radius:3px")


def _notes(changes: ChangeSet) -> Markup | None:
    faults = [el("li", str(fault), style=f"color:{TONES['bad']}") for fault in changes.faults[:ROWS]]
    left_out = f"not compared: {', '.join(changes.left_out)} (written by the running system)"
    note = div(muted(left_out)) if changes.left_out else None
    return div(el("ul", *faults) if faults else None, note) if faults or note else None
