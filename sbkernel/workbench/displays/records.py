"""Records: lists of them, one, two compared, and how an image changed from run to run."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from sbkernel.records.kept.comparison import RecordDiff, change, times
from sbkernel.records.kept.facts import Kept
from sbkernel.records.kept.listing import RUN_DIGITS, Records
from sbkernel.records.kept.told import Told
from sbkernel.records.kept.trend import Trend
from sbkernel.units import seconds
from sbkernel.workbench import charts
from sbkernel.workbench.displays import packagediff
from sbkernel.workbench.html import MUTED, bar, card, chip, div, el, heading, mono, muted, span, table
from sbkernel.workbench.panel import Shown

_ROWS = 400
_TONES = {"ok": "ok", "running": "busy", "interrupted": "warn", "unfinished": "warn"}


def tone(status: str) -> str:
    """Return the tone of the status of a record."""
    return _TONES.get(status, "bad")


def listing(found: Records) -> Shown:
    """Show records, the newest first."""
    rows = [_row(found, one) for one in found.rows[:_ROWS]]
    more = len(found) - len(rows)
    columns = ["run", "started (UTC)", "status", "took", "notebook", "image", "parameters", "run by"]
    shown = card(
        heading("Records", muted(f"{len(found)}")),
        div(table(columns, rows, numeric=[3]), style="max-height:420px;overflow:auto") if rows else muted("none"),
        muted(f"and {more} more, in the frame and on the command line") if more > 0 else None,
    )
    return Shown(shown, str(found))


def told(one: Told) -> Shown:
    """Show one record, with what took how long."""
    took = charts.durations(times(one.record)) if one.record.timings else None
    rows = [(name, text) for name, text in one.rows(timings=False) if text][1:]
    facts = table(["", ""], ((muted(name), div(mono(text), style="white-space:pre-wrap")) for name, text in rows))
    head = heading(one.record.notebook, status(one.record), muted(one.record.name))
    return Shown(card(head, div(facts, style="overflow:auto"), took), str(one))


def diff(found: RecordDiff) -> Shown:
    """Show what differs between two records: values side by side, times as bars, packages as their diff does."""
    head = heading(f"{found.a.notebook} and {found.b.notebook}", status(found.a), status(found.b))
    columns = ["", *(span(one.started, title=one.name) for one in (found.a, found.b))]
    rows: list[Sequence[object]] = [(muted(name), mono(a), mono(b)) for name, a, b in found.facts]
    rows += [(name, mono(a or "-"), mono(b or "-")) for name, a, b in found.parameters]
    shown = card(
        head,
        div(table(columns, rows) if rows else muted("The same parameters, the same result."), style="overflow:auto"),
        _timings(found) if found.timings else None,
        None if found.packages else div(muted(f"Packages: {found.remark}."), style="margin-top:6px"),
    )
    packages = packagediff.diff(found.packages) if found.packages else Markup("")
    return Shown(shown + packages, str(found))


def trend(found: Trend) -> Shown:
    """Show charts over time: what the image weighs, how long it took to build, and to boot."""
    labels = [point.record.started[:16] for point in found.points]
    weights = [(label, p.packed_bytes) for label, p in zip(labels, found.points, strict=True) if p.packed_bytes]
    builds = [(label, p.build_s) for label, p in zip(labels, found.points, strict=True) if p.build_s]
    boots = [(label, p.boot_s) for label, p in zip(labels, found.points, strict=True) if p.boot_s]
    parts = [
        *_chart("Packed root", charts.sizes(weights), weights),
        *_chart("Build", charts.durations(builds), builds),
        *_chart("Boot", charts.durations(boots), boots),
    ]
    said = f"{len(found.points)} runs" if parts else "no record says anything of it yet"
    return Shown(card(heading(f"{found.image} over time", muted(said)), *parts), str(found), {"image": found.image})


def status(one: Kept) -> Markup:
    """Return the status of a record as a chip."""
    return chip(one.status, tone(one.status))


def _row(found: Records, one: Kept) -> tuple[object, ...]:
    page = found.page(one)
    run = one.run[:RUN_DIGITS] or "-"
    name = el("a", run, href=page.as_uri(), title=one.name) if page else span(run, title=one.name)
    values = " ".join(f"{key}={one.parameters[key]}" for key in one.given if key != "image")
    shown = div(values, style=f"{MUTED};max-width:220px;overflow:hidden;text-overflow:ellipsis", title=values)
    who = f"{one.who or '?'}@{one.host or '?'}"
    took = seconds(one.seconds) if one.seconds is not None else ""
    return mono(name), one.started, status(one), took, one.notebook, one.image, shown, who


def _chart(title: str, drawn: Markup, rows: Sequence[object]) -> list[Markup]:
    return [div(span(title, style="font-weight:600"), style="margin-top:8px"), drawn] if rows else []


def _timings(found: RecordDiff) -> Markup:
    longest = max((value for _, *both in found.timings for value in both if value), default=0.0) or 1.0
    rows = [
        (
            name,
            div(bar((a or 0.0) / longest, "quiet", height_px=5), bar((b or 0.0) / longest, height_px=5),
                style="display:grid;gap:2px;width:220px"),
            seconds(a) or "-", seconds(b) or "-", change(a, b),
        )
        for name, a, b in found.timings
    ]  # fmt: skip
    columns = ["took", "", "first", "second", ""]
    return div(table(columns, rows, numeric=[2, 3, 4]), style="margin-top:8px;max-height:320px;overflow:auto")
