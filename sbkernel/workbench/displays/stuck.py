"""Why boots do not go on: a part below the timeline of a node, and a card of the nodes that are not well."""

from __future__ import annotations

from markupsafe import Markup

from sbkernel.netboot.diagnosis.seen import Diagnosis, State
from sbkernel.service.stuck import Stuck
from sbkernel.units import plain
from sbkernel.workbench.html import LINE, card, chip, div, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

_ROWS = 200
_TITLES: dict[State, str] = {
    "failed": "Why it has failed", "stuck": "Stuck here, because", "degraded": "Up, but something is missing",
    "slow": "Slower than usual",
}  # fmt: skip
TONES: dict[State, str] = {"failed": "bad", "stuck": "bad", "degraded": "warn", "slow": "warn", "booting": "busy"}


def stuck(found: Stuck) -> Shown:
    """Show a row for each node that is not well; the lines that tell why open below it."""
    title = "Nodes that are not well" if found.not_well else "Nothing is stuck"
    return Shown(card(heading(title, muted(found.summary or "no nodes")), rows_of(found)), str(found))


def diagnosis(found: Diagnosis) -> Shown:
    """Show what is to be said of one node."""
    chipped = chip(found.state, TONES.get(found.state, "ok"))
    return Shown(card(heading(found.node, chipped), because(found) or muted(found.text)), str(found))


def rows_of(found: Stuck) -> Markup | None:
    """Return a table of the nodes that are not well, None if all are."""
    if not found.not_well:
        return None
    rows = [(one.node, chip(one.state, TONES[one.state]), div(_because(one), style=_WRAP)) for one in found.not_well]
    more = len(rows) - _ROWS
    return div(
        table(["node", "state", "why"], rows[:_ROWS]),
        muted(f"and {more} more, in the frame and by sb stuck") if more > 0 else None,
        style="max-height:480px;overflow:auto",
    )


def because(found: Diagnosis) -> Markup | None:
    """Return the part that stands below the timeline of a node that is not well; None for one that is."""
    if found.is_well:
        return None
    return div(
        heading(_TITLES[found.state]),
        _because(found),
        style=f"border-top:1px solid {LINE};margin-top:8px;padding-top:8px",
    )


_WRAP = "white-space:normal;min-width:280px"


def _because(found: Diagnosis) -> Markup:
    lines = [div(plain(found.text))]
    lines += [div(mono(plain(one.line)), " ", muted(one.where)) for one in found.evidence]
    if found.do:
        lines.append(div(muted("do: "), plain(found.do)))
    return Markup("").join(lines)
