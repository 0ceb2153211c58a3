"""Rows of text as tables: for terminals, spreadsheets and Markdown. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return lines whose columns stand below each other, two spaces apart; those in `right` are flush right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV, without a line break at the end."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().removesuffix("\n")


def as_markdown(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return rows as a table of Markdown; the columns in `right` are flush right."""
    rule = ["---:" if number in right else "---" for number in range(len(head))]
    lines = [list(map(escaped, head)), rule, *(list(map(escaped, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def escaped(text: str) -> str:
    """Return text on one line, with the special characters of Markdown escaped."""
    return "".join(f"\\{sign}" if sign in "\\|`*_<>[]" else sign for sign in text.replace("\n", " "))
