"""How the verdict of a policy shows itself in a notebook and its record. Pure."""

from __future__ import annotations

from markupsafe import Markup

from sbkernel.html import TONES, card, chip, div, heading, mono, muted
from sbkernel.packages.policy import Verdict, Violation
from sbkernel.packages.summary import movement

_SHOWN = 20


def html(verdict: Verdict) -> Markup:
    """Return whether the diff is allowed, and every rule that it breaks with its rows."""
    state = chip("allowed", "ok") if verdict.allowed else chip("refused", "bad")
    return card(heading("Policy", state, muted(verdict.policy.file)), *map(_violation, verdict.violations))


def _violation(violation: Violation) -> Markup:
    more = len(violation.rows) - _SHOWN
    rows = [div(mono(movement(row).replace("->", "→"))) for row in violation.rows[:_SHOWN]]
    return div(
        div(mono(violation.rule), " ", violation.text, style="font-weight:600"),
        *rows,
        muted(f"and {more} more") if more > 0 else None,
        style=f"border-left:3px solid {TONES['bad']};padding:2px 0 2px 12px;margin:8px 0",
    )
