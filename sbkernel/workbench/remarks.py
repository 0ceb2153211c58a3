"""Show what is wrong or odd in list files, and what lists would install."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from sbkernel.lists.diagnostic import Diagnostic
from sbkernel.units import size
from sbkernel.workbench.html import card, chip, div, heading, mono, muted, table
from sbkernel.workbench.panel import Shown

if TYPE_CHECKING:
    from sbkernel.images.resolution import Chosen, ListResolution

TONES = {"error": "bad", "warning": "warn", "info": "quiet"}
_ROWS = 400


def remarks(found: Sequence[Diagnostic], title: str = "Remarks") -> Shown:
    """Show diagnostics as a table, as lint found them."""
    chips = [chip(f"{count} {kind}", TONES[kind]) for kind, count in sorted(Counter(_kinds(found)).items())]
    shown = card(heading(title, *(chips or [chip("nothing to remark", "ok")])), remarks_table(found))
    return Shown(shown, "\n".join(map(str, found)) or "nothing to remark")


def remarks_table(found: Sequence[Diagnostic]) -> Markup:
    """Return the rows alone, each file's own name in front."""
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


def resolution(resolved: ListResolution) -> Shown:
    """Show what lists would install: totals, unknown packages, and every package beyond the base system."""
    listed = [one for one in resolved.packages if one.why != "base"]
    totals = f"{size(resolved.download_bytes)} to download, {size(resolved.installed_bytes)} installed"
    rows = [_row(one) for one in listed[:_ROWS]]
    columns = ["package", "version", "arch", "download", "size", "why"]
    base = len(resolved) - len(listed)
    shown = card(
        heading(f"{resolved.image} would install {len(resolved)} packages", muted(totals)),
        remarks_table(resolved.unknown),
        div(table(columns, rows, numeric=(3, 4)), style="max-height:380px;overflow:auto"),
        muted(f"and {base} of the base system") if base else None,
    )
    return Shown(shown, f"{resolved.image}: {len(resolved)} packages, {totals}", {"image": resolved.image})


def _row(one: Chosen) -> tuple[object, ...]:
    package = one.package
    why = f"needed by {', '.join(one.needed_by[:3])}" if one.why == "dependency" else "asked for"
    return (package.name, mono(package.version), package.arch, size(one.download_bytes), size(package.size_bytes),
            muted(why))  # fmt: skip
