"""Packages of many images side by side, and the verdict of a policy, as cards."""

from __future__ import annotations

from itertools import islice

from markupsafe import Markup

from sbkernel.packages.diff.matrix import Line, Matrix
from sbkernel.packages.diff.policy import Verdict, Violation
from sbkernel.packages.diff.summary import movement
from sbkernel.packages.manifest import Manifest
from sbkernel.units import size
from sbkernel.workbench.html import MONO, card, chip, div, edge, el, heading, mono, muted, span, table

ROWS = 300
_BROKEN_BY = 20
"""How many rows are shown of a rule that is broken."""


def weight(of: Manifest) -> str:
    """Return what packages weigh by their own word, and that an image leaves some of it out when it is packed."""
    return f"{size(of.size_bytes)} " + ("installed, before the exlist" if of.kind in ("image", "tree") else "installed")


def matrix(shown: Matrix, rows: int = ROWS) -> Markup:
    """Return what each image weighs, then the packages: those of attention first, what most images have in grey."""
    said = heading(f"{len(shown.manifests)} images", muted(shown.headline))
    return card(said, _table(shown, rows), _cut(len(shown) - rows))


def verdict(shown: Verdict) -> Markup:
    """Return whether a diff is allowed, and every rule that it breaks with its rows."""
    state = chip("allowed", "ok") if shown.allowed else chip("refused", "bad")
    return card(heading("Policy", state, muted(shown.policy.file)), *map(_violation, shown.violations))


def _table(matrix: Matrix, rows: int) -> Markup:
    ordered = sorted(matrix.lines, key=lambda line: (not line.attention, line.name, line.arch))
    sums = [
        (muted(what), "", *(muted(text) for text in texts), "")
        for what, texts in (
            ("packages", [str(len(one)) for one in matrix.manifests]),
            ("installed", [size(one.size_bytes) for one in matrix.manifests]),
        )
    ]
    lines = [_line(line) for line in islice(ordered, rows)]
    shown = table(["package", "arch", *map(_head, matrix.names), ""], [*sums, *lines])
    return div(shown, style="max-height:520px;overflow:auto")


def _head(name: str) -> Markup:
    return span(name, style="display:inline-block;max-width:180px;overflow:hidden;text-overflow:ellipsis", title=name)


def _line(line: Line) -> tuple[object, ...]:
    name = el("b", line.name) if line.attention else line.name
    usual = line.usual
    return (
        name, muted(line.arch), *(_cell(one, usual) for one in line.versions),
        chip(line.attention, "warn") if line.attention else "",
    )  # fmt: skip


def _cell(version: str, usual: str) -> Markup:
    if version == usual:
        return muted(mono(version or "—"))
    differs = edge("busy" if version else "bad")
    style = f"{MONO};font-size:12px;font-weight:600;{differs};display:inline-block;max-width:180px"
    return span(
        version or "—", style=f"{style};overflow:hidden;text-overflow:ellipsis;vertical-align:bottom", title=version
    )


def _cut(more: int) -> Markup | None:
    return (
        div(muted(f"and {more} more, in the frame and on the command line"), style="margin-top:6px")
        if more > 0
        else None
    )


def _violation(violation: Violation) -> Markup:
    more = len(violation.rows) - _BROKEN_BY
    rows = [div(mono(movement(row).replace("->", "→"))) for row in violation.rows[:_BROKEN_BY]]
    return div(
        div(mono(violation.rule), " ", violation.text, style="font-weight:600"),
        *rows,
        muted(f"and {more} more") if more > 0 else None,
        style=f"{edge('bad')};padding-top:2px;padding-bottom:2px;margin:8px 0",
    )
