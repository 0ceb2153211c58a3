"""Bars and timelines made of plain blocks, which need no script and no style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from sbkernel.units import seconds, size
from sbkernel.workbench.html import MONO, MUTED, bar, div, span

_Row = tuple[str, float, str]  # label, value, text


def bars(rows: Iterable[_Row], *, tone: str = "busy") -> Markup:
    """Return one bar for each row, in proportion to the largest value."""
    rows = list(rows)
    most = max((value for _, value, _ in rows), default=0.0) or 1.0
    return div(*(_line(label, bar(value / most, tone), text) for label, value, text in rows), style="max-width:720px")


def durations(rows: Iterable[tuple[str, float]]) -> Markup:
    """Return bars of durations in seconds."""
    return bars((label, value, seconds(value)) for label, value in rows)


def sizes(rows: Iterable[tuple[str, float]]) -> Markup:
    """Return bars of sizes in bytes."""
    return bars((label, value, size(value)) for label, value in rows)


def timeline(rows: Sequence[tuple[str, float, float, str]]) -> Markup:
    """Return stages on one axis. A row is stage, seconds since the start, duration in seconds, detail."""
    end = max((at for _, at, _, _ in rows), default=0.0) or 1.0
    lines = (
        _line(
            stage,
            bar(max(took, 0.0) / end, "bad" if stage == "failed" else "busy", start=(at - took) / end),
            f"{at:.1f} s",
            detail,
        )
        for stage, at, took, detail in rows
    )
    return div(*lines, style="max-width:860px")


def _line(label: str, drawn: Markup, text: str, detail: str | None = None) -> Markup:
    def column(content: object, style: str, title: str = "") -> Markup:
        cut = f"{style};overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
        return div(content, style=cut, title=title)

    return div(
        column(label, "width:150px;flex:none"),
        div(drawn, style="flex:1 1 auto;min-width:80px"),
        column(text, f"width:80px;flex:none;text-align:right;{MONO};font-size:12px"),
        column(span(detail, style=MUTED), "width:240px;flex:none;font-size:12px", detail)
        if detail is not None
        else None,
        style="display:flex;align-items:center;gap:12px;font-size:13px;line-height:1.7",
    )
