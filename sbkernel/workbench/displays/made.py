"""How a version of an image came to be, and what nodes run, as cards."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from sbkernel.records import names
from sbkernel.records.whatruns import NodeRuns, WhatRuns
from sbkernel.records.why import Why
from sbkernel.workbench.html import card, chip, div, el, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

_ROWS = 400


def why(told: Why) -> Shown:
    """Show how a version came to be: the same lines as `sb images --why`, with a link to the record."""
    state = [chip(name, "ok" if name == "current" else "quiet") for name in told.pointers]
    link = [_link(told.record)] if told.record else []
    rows = [(muted(name), div(mono(text), style="white-space:normal")) for name, text in told.rows()][1:]
    shown = card(heading(told.name, *state, *link), div(table(["", ""], rows), style="max-height:480px;overflow:auto"))
    return Shown(shown, str(told), {"image": told.version.image, "digest": told.version.digest})


def whatruns(found: WhatRuns) -> Shown:
    """Show a row a node; what needs a look stands first."""
    rows = sorted(found.rows, key=lambda row: row.ok)
    bad = sum(not row.ok for row in rows)
    said = f"{len(rows)} nodes" + (f", {bad} of them need a look" if bad else "")
    more = len(rows) - _ROWS
    columns = ["node", "runs", "", "last report", "packed by", "record"]
    shown = card(
        heading("What nodes run", muted(said)),
        div(table(columns, map(_row, rows[:_ROWS])), style="max-height:480px;overflow:auto"),
        muted(f"and {more} more, in the frame and on the command line") if more > 0 else None,
    )
    return Shown(shown, str(found))


def _row(row: NodeRuns) -> tuple[object, ...]:
    facts = row.as_dict()
    if not row.ok or row.why is None:
        return row.node, chip("look", "bad"), row.text, row.stage, "", ""
    standing = chip(facts["standing"], "ok" if "current" in row.why.pointers else "warn")
    record = _link(row.why.record) if row.why.record else muted("none")
    return row.node, mono(row.why.name), standing, row.stage or muted("none"), facts["by"], record


def _link(page: Path) -> Markup:
    """Return a link to a record; one that still runs, such as the one that shows this, gets another name."""
    return muted("this run") if names.is_running(page) else el("a", page.name, href=page.as_uri())
