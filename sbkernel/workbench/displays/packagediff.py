"""A diff of packages as a card: its numbers, what deserves attention, every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from markupsafe import Markup

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
    Known,
    PackageChange,
)
from sbkernel.packages.diff.diff import Diff
from sbkernel.packages.diff.summary import percentage, signed
from sbkernel.workbench.displays.packages import weight
from sbkernel.workbench.html import (
    LINE,
    MONO,
    MUTED,
    TONES,
    TRACK,
    card,
    chip,
    div,
    edge,
    heading,
    mono,
    muted,
    span,
    table,
)

ROWS = 400
COLUMNS = ("change", "package", "arch", "before", "after", "size", "why", "section")
KIND_TONES: Mapping[str, str] = {
    REMOVED: "bad", DOWNGRADED: "bad", REPLACED: "warn", ARCH_CHANGED: "warn", CHANGED: "warn", ADDED: "ok",
    UPDATED: "busy", REBUILT: "quiet",
}  # fmt: skip
_ELLIPSIS = "overflow:hidden;text-overflow:ellipsis"


def diff(shown: Diff, rows: int = ROWS) -> Markup:
    """Return the whole of a diff: its numbers, what deserves attention, every row as far as there is room."""
    return card(summary(shown), changes(shown, rows) if shown.rows else None)


def summary(diff: Diff) -> Markup:
    """Return both names, the numbers, and the groups that moved."""
    return Markup("").join([_title(diff), _tiles(diff), _groups(diff)])


def changes(diff: Diff, rows: int = ROWS, *, height_px: int = 460) -> Markup:
    """Return the rows as a table that scrolls; those of attention come first."""
    ordered = sorted(diff.rows, key=lambda row: (not row.attention, row.name, row.arch))
    known = diff.known
    widest = max((abs(row.sizes(known)[2] or 0) for row in ordered), default=0)
    cut = len(ordered) - rows
    lines = [_row(row, widest, known) for row in islice(ordered, rows)]
    shown = table(COLUMNS, lines, numeric=[5])
    more = (
        div(muted(f"and {cut} more, in the frame and on the command line"), style="padding:6px 0") if cut > 0 else None
    )
    return div(shown, more, style=f"max-height:{height_px}px;overflow:auto;margin-top:10px")


def _title(diff: Diff) -> Markup:
    facts = f"{len(diff.b)} packages" + (f", {weight(diff.b)}" if diff.b.size_bytes else "")
    title = span(mono(diff.a.name), span(" → ", style=MUTED), mono(diff.b.name))
    return heading(title, muted(facts), chip("by source package", "quiet") if diff.by == SOURCE else None)


def _tiles(diff: Diff) -> Markup:
    if not diff.rows:
        return div(chip("no change", "ok"), muted("the same packages in the same versions"), style="margin:8px 0 2px 0")
    tiles = [_tile(str(count), kind, KIND_TONES[kind]) for kind, count in _usual_first(diff.counts)]
    return div(_weight(diff), *tiles, style="display:flex;flex-wrap:wrap;gap:8px;margin:10px 0")


def _usual_first(counts: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    order = [kind for kind in (UPDATED, ADDED) if kind in counts]
    return [(kind, counts[kind]) for kind in [*order, *(kind for kind in counts if kind not in order)]]


def _weight(diff: Diff) -> Markup | None:
    if not diff.sized:
        return None
    percent = percentage(diff)
    below = "installed" if percent is None else f"{percent:+.1f} % installed"
    return _tile(signed(diff.delta_bytes), below, "quiet")


def _tile(number: str, words: str, tone: str) -> Markup:
    colour = TONES[tone]
    return div(
        div(number, style="font-size:19px;font-weight:600;line-height:1.25;white-space:nowrap"),
        div(words, style=f"font-size:12px;{MUTED};white-space:nowrap"),
        style=f"border:1px solid {LINE};border-left:3px solid {colour};border-radius:6px;padding:5px 16px 6px 12px",
    )


def _groups(diff: Diff) -> Markup:
    return div(*(_group(name, rows) for name, rows in diff.moved.items()), style="margin:2px 0 0 0")


def _group(name: str, rows: Sequence[PackageChange]) -> Markup:
    """Return one line a group: its name, the package that says most, how many more."""
    first = min(rows, key=lambda row: (not row.package.explicit, row.change == UPDATED, -row.package.size_bytes))
    more = muted(f"and {len(rows) - 1} more") if len(rows) > 1 else None
    return div(
        div(chip(name, "warn"), style="width:96px;flex:none"),
        div(mono(_arrow(first.names)), style=f"{_ELLIPSIS};white-space:nowrap;max-width:340px"),
        div(_versions(first), " ", more, style="white-space:nowrap"),
        style="display:flex;align-items:center;gap:12px;line-height:1.9",
    )


def _versions(row: PackageChange) -> Markup:
    if row.old is None or row.new is None:
        return span(chip(row.change, KIND_TONES[row.change]), mono(row.new_version or row.old_version))
    tone = f";{edge(KIND_TONES[row.change])}" if row.change == DOWNGRADED else ""
    return span(
        mono(row.old_version), span(" → ", style=MUTED), mono(row.new_version), style=f"white-space:nowrap{tone}"
    )


def _row(row: PackageChange, widest: int, known: Known) -> tuple[object, ...]:
    weight = "font-weight:600;" if row.attention or row.package.explicit else ""
    group = chip(row.attention, "warn") if row.attention else muted(row.reason)
    *_, delta = row.sizes(known)
    return (
        chip(row.change, KIND_TONES[row.change]), _cut(_arrow(row.names), weight, 210), _arrow(row.arch),
        _version(row.old_version), _version(row.new_version), "" if delta is None else _delta(delta, widest),
        group, muted(row.section),
    )  # fmt: skip


def _version(text: str) -> Markup:
    return _cut(text, f"{MONO};font-size:12px;", 138)


def _cut(text: str, style: str, width_px: int) -> Markup:
    """Return text on one line of at most that width; the whole of it shows under the pointer."""
    cut = f"{style}display:inline-block;max-width:{width_px}px;{_ELLIPSIS};vertical-align:bottom"
    return span(text, style=cut, title=text)


def _arrow(text: str) -> str:
    return text.replace("->", "→")


def _delta(delta: int, widest: int) -> Markup:
    """Return the bytes below the heading of their column, and the bar before them."""
    return div(
        _bar(delta, widest), span(signed(delta)) if delta else muted("0 B"),
        style="display:flex;align-items:center;justify-content:space-between;gap:12px",
    )  # fmt: skip


def _bar(delta: int, widest: int) -> Markup:
    """Return a bar to the right for more bytes, to the left for less."""
    share = abs(delta) / widest * 50 if widest else 0
    left = 50 if delta > 0 else 50 - share
    colour = TONES["busy"] if delta > 0 else TONES["ok"]
    fill = div(
        style=f"position:absolute;left:{left:.1f}%;width:{share:.1f}%;height:8px;background-color:{colour};"
        "border-radius:2px"
    )
    middle = div(style=f"position:absolute;left:50%;width:1px;height:12px;top:-2px;background-color:{LINE}")
    return div(
        fill if delta else None, middle, style=f"position:relative;width:60px;height:8px;background-color:{TRACK}"
    )
