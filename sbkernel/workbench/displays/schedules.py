"""Schedules as a card: when each runs next, how its last run went, and what has to be done."""

from __future__ import annotations

from sbkernel.records.schedules.listing import Listing, Row
from sbkernel.workbench.html import card, chip, div, el, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

_TONES = {"ok": "ok", "running": "busy", "never ran": "quiet", "interrupted": "warn"}
_COLUMNS = ("schedule", "notebook", "when", "next run", "last run", "", "record")


def listing(found: Listing) -> Shown:
    """Show a row for each schedule, and below them what has to be known."""
    bad = sum(not row.is_well for row in found)
    many = f"{len(found)} schedule" + ("" if len(found) == 1 else "s")
    said = many + (f", {bad} to be looked at" if bad else "")
    shown = card(
        heading("Schedules", muted(said)),
        div(table(_COLUMNS, map(_row, found)), style="overflow:auto") if len(found) else muted(str(found)),
        *(div(note, style="white-space:normal") for note in found.notes),
    )
    return Shown(shown, str(found))


def _row(row: Row) -> tuple[object, ...]:
    name, notebook, when, coming, began, status, _ = row.cells
    tone = "bad" if row.last and row.last.untold else _TONES.get(status, "bad")
    late = coming if row.next else chip(coming, "quiet" if row.schedule and not row.schedule.enabled else "bad")
    page = row.record
    return (
        name, notebook, when, late, began, chip(status, tone),
        el("a", mono(page.name.partition("-")[0]), href=page.as_uri(), title=page.name) if page else muted("none"),
    )  # fmt: skip
