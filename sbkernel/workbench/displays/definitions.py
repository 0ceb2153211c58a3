"""Definitions, their changes and their differences as cards."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.editing.changeset import ChangeSet
from sbkernel.definitions.editing.definition_diff import DefinitionDiff
from sbkernel.definitions.editing.overview import ROWS, edited, more
from sbkernel.definitions.editing.selection import Objects
from sbkernel.workbench.html import (
    MONO,
    TRACK,
    card,
    chip,
    details,
    div,
    edge,
    el,
    heading,
    mono,
    muted,
    pairs,
    span,
    table,
    wrapped,
)

_LINE_TONES = {"+": "ok", "-": "bad", "@": "busy"}
_PLAIN_LINE = "white-space:pre-wrap;padding-left:11px"
"""As far from the left as what has an edge."""


def definition(one: Definition) -> Markup:
    """Return one object and its attributes."""
    values = {name: mono(value) for name, value in one.attributes.shown().items()}
    return card(heading(one.name, muted(one.objtype)), pairs(values))


def objects(shown: Objects) -> Markup:
    """Return objects as a table, those that look alike as one row."""
    seen = shown.overview
    cells = [[span(row[0], style="font-weight:600"), *row[1:]] for row in seen.rows]
    return card(heading(seen.title), _wide(["", *seen.columns], cells), _remark(seen.more))


def changes(shown: ChangeSet) -> Markup:
    """Return a change as a table of before and after."""
    rows = edited(shown.edits)
    cells = [[name, key, _value(before, "bad"), _value(after, "ok")] for name, key, before, after in rows[:ROWS]]
    said, tone = {"open": ("not applied yet", "warn"), "applied": ("applied", "ok")}.get(
        shown.state, (shown.state, "quiet")
    )
    return card(
        heading(shown.summary, chip(said, tone) if rows else None),
        _wide([shown.objtype, "attribute", "before", "after"], cells),
        _remark(more(len(rows))),
        _notes(shown),
    )


def diff(shown: DefinitionDiff) -> Markup:
    """Return the lines of list files that differ, and below them the attributes."""
    rows = [(one.attribute, wrapped(mono(one.a)), wrapped(mono(one.b))) for one in shown.attributes]
    count = "1 attribute differs" if len(rows) == 1 else f"{len(rows)} attributes differ"
    attributes = _wide(["attribute", shown.a.name, shown.b.name], rows)
    return card(
        heading(f"{shown.b.name} against {shown.a.name}", None if shown else muted("they are the same")),
        _lists(shown),
        details(count, attributes) if shown.lists and rows else attributes,
    )


def _wide(columns: list[str], rows: Sequence[Sequence[object]]) -> Markup | None:
    return div(table(columns, rows), style="overflow:auto") if rows else None


def _remark(text: str) -> Markup | None:
    return div(muted(text)) if text else None


def _value(value: str, tone: str) -> Markup:
    if not value:
        return muted("unset")
    return wrapped(span(mono(value), style=f"{edge(tone)};background-color:{TRACK};padding-right:4px"))


def _notes(shown: ChangeSet) -> Markup | None:
    faults = [el("li", str(fault), style=edge("bad")) for fault in shown.faults[:ROWS]]
    left_out = f"not compared: {', '.join(shown.left_out)} (written by the running system)" if shown.left_out else ""
    note = _remark(left_out)
    return div(el("ul", *faults) if faults else None, note) if faults or note else None


def _lists(shown: DefinitionDiff) -> Markup | None:
    if not shown.lists:
        are_images = shown.a.objtype == "osimage"
        return div("what their lists say is the same", style="margin:6px 0") if are_images else None
    lines = (line for _, text in shown.lists for line in text.splitlines())
    return div(*map(_line, lines), style=f"{MONO};font-size:12px;line-height:1.5;overflow-wrap:anywhere;margin:6px 0")


def _line(line: str) -> Markup:
    if line.startswith(("--- ", "+++ ")):
        return div(line, style="white-space:pre-wrap;opacity:0.65")
    tone = _LINE_TONES.get(line[:1])
    surface = f";background-color:{TRACK}" if line[:1] in "+-" and line else ""
    return div(line or " ", style=f"white-space:pre-wrap;{edge(tone)}{surface}" if tone else _PLAIN_LINE)
