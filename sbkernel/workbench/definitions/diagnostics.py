"""Show what is wrong or odd in list files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.workbench.html import card, chip, div, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

TONES = {"error": "bad", "warning": "warn", "info": "quiet"}


def remarks(found: Sequence[Diagnostic], title: str = "Remarks") -> Shown:
    """Show diagnostics as a table."""
    chips = [chip(f"{count} {kind}", TONES[kind]) for kind, count in sorted(Counter(_kinds(found)).items())]
    shown = card(heading(title, *(chips or [chip("no remarks", "ok")])), remarks_table(found))
    return Shown(shown, "\n".join(map(str, found)) or "no remarks")


def remarks_table(found: Sequence[Diagnostic]) -> Markup:
    """Return only the rows, each with the name of its file."""
    rows = [
        (chip(one.severity, TONES[one.severity]), mono(f"{Path(one.file).name}:{one.line}:{one.column}"),
         div(_said(one), style="white-space:normal"), muted(div(one.remedy, style="white-space:normal")))
        for one in found
    ]  # fmt: skip
    return table(["", "place", "remark", "what to do"], rows) if rows else Markup("")


def _said(one: Diagnostic) -> str:
    return f"{one.message} (included from {', from '.join(one.trace)})" if one.trace else one.message


def _kinds(found: Sequence[Diagnostic]) -> list[str]:
    return [one.severity for one in found]
