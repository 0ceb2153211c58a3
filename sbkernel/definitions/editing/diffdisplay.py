"""How a diff of two definitions shows itself. Pure."""

from __future__ import annotations

from markupsafe import Markup

from sbkernel.definitions.editing.diff import Diff
from sbkernel.html import MONO, TONES, TRACK, card, details, div, heading, mono, muted, table

_TONES = {"+": TONES["ok"], "-": TONES["bad"], "@": TONES["busy"]}


def html(shown: Diff) -> Markup:
    """Return the lines that differ, and below them the attributes."""
    rows = [(one.attribute, mono(one.a), mono(one.b)) for one in shown.attributes]
    count = "1 attribute differs" if len(rows) == 1 else f"{len(rows)} attributes differ"
    attributes = div(table(["attribute", shown.a.name, shown.b.name], rows), style="overflow:auto")
    return card(
        heading(f"{shown.b.name} against {shown.a.name}", None if shown else muted("they are the same")),
        _lists(shown),
        (details(count, attributes) if shown.lists else attributes) if rows else None,
    )


def _lists(shown: Diff) -> Markup | None:
    if not shown.lists:
        return div("what their lists say is the same", style="margin:6px 0") if _have_lists(shown) else None
    lines = (line for _, text in shown.lists for line in text.splitlines())
    return div(*map(_line, lines), style=f"{MONO};font-size:12px;line-height:1.5;overflow:auto;margin:6px 0")


def _have_lists(shown: Diff) -> bool:
    return shown.a.objtype == "osimage"


def _line(line: str) -> Markup:
    if line.startswith(("--- ", "+++ ")):
        return div(line, style="white-space:pre;opacity:0.65")
    colour = _TONES.get(line[:1])
    surface = f"background-color:{TRACK};" if line[:1] in "+-" and line else ""
    return div(line or " ", style=f"white-space:pre;{surface}color:{colour}" if colour else "white-space:pre")
