"""How a matrix shows itself in a notebook and its record: what most images have stands back, the rest stands out."""

from __future__ import annotations

from itertools import islice

from markupsafe import Markup

from sbkernel.html import MONO, TONES, card, chip, div, el, heading, mono, muted, span, table
from sbkernel.packages.matrix import Line, Matrix
from sbkernel.units import size

ROWS = 300


def html(matrix: Matrix, rows: int = ROWS) -> Markup:
    """Return the lines of a matrix, those of attention first, below what each image weighs."""
    said = f"{len(matrix)} of {matrix.total} packages differ" if len(matrix) else f"the same {matrix.total} packages"
    return card(heading(f"{len(matrix.manifests)} images", muted(said)), _table(matrix, rows), _cut(len(matrix) - rows))


def _table(matrix: Matrix, rows: int) -> Markup:
    ordered = sorted(matrix.lines, key=lambda line: (not line.attention, line.name, line.arch))
    sums = [
        (muted(what), "", *(muted(text) for text in texts), "")
        for what, texts in (
            ("packages", [str(len(one)) for one in matrix.manifests]),
            ("on disk", [size(one.size_bytes) for one in matrix.manifests]),
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
    colour = TONES["busy"] if version else TONES["bad"]
    style = f"{MONO};font-size:12px;font-weight:600;color:{colour};display:inline-block;max-width:180px"
    return span(
        version or "—", style=f"{style};overflow:hidden;text-overflow:ellipsis;vertical-align:bottom", title=version
    )


def _cut(more: int) -> Markup | None:
    return (
        div(muted(f"and {more} more, in the frame and on the command line"), style="margin-top:6px")
        if more > 0
        else None
    )
