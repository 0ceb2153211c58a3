"""Diffs and matrices as text for terminals, programs, spreadsheets and issues. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sbkernel.packages.change import Change
from sbkernel.packages.diff import COLUMNS, Diff, cells
from sbkernel.packages.manifest import Manifest
from sbkernel.packages.matrix import Matrix
from sbkernel.packages.summary import headline, signed, summary
from sbkernel.units import size

FORMATS = ("table", "json", "csv", "markdown")
HEAD = ("CHANGE", "PACKAGE", "ARCH", "BEFORE", "AFTER", "SIZE", "SECTION", "WHY")
_SIZE = HEAD.index("SIZE")


def render(shown: Diff | Matrix, form: str) -> str:
    """Return a diff or a matrix in one of FORMATS, without a line break at the end."""
    of_diff: Mapping[str, Callable[[Diff], str]] = {
        "table": diff_table, "json": diff_json, "csv": diff_csv, "markdown": diff_markdown,
    }  # fmt: skip
    of_matrix: Mapping[str, Callable[[Matrix], str]] = {
        "table": matrix_table, "json": matrix_json, "csv": matrix_csv, "markdown": matrix_markdown,
    }  # fmt: skip
    return of_diff[form](shown) if isinstance(shown, Diff) else of_matrix[form](shown)


def diff_table(diff: Diff) -> str:
    """Return the summary, and below it every row."""
    rows = _texts(diff)
    return "\n\n".join([summary(diff), *([aligned([HEAD, *rows], right=[_SIZE])] if rows else [])])


def diff_data(diff: Diff) -> dict[str, Any]:
    """Return a diff as JSON-able data; sizes are bytes."""
    return {
        "a": _side(diff.a),
        "b": _side(diff.b),
        "counts": diff.counts,
        "delta": diff.delta_bytes if diff.sized else None,
        "attention": {group: [row.names for row in rows] for group, rows in diff.moved.items()},
        "rows": [dict(zip(COLUMNS, row, strict=True)) for row in _rows(diff)],
    }


def diff_json(diff: Diff) -> str:
    """Return a diff as JSON."""
    return json.dumps(diff_data(diff), indent=2)


def diff_csv(diff: Diff) -> str:
    """Return the rows as CSV, with the columns of the DataFrame."""
    return _csv([COLUMNS, *_rows(diff)])


def diff_markdown(diff: Diff) -> str:
    """Return the headline and the rows as a table of Markdown."""
    head = f"**{_escaped(diff.a.name)} → {_escaped(diff.b.name)}**\n\n{headline(diff)}"
    rows = _texts(diff)
    return "\n\n".join([head, *([_markdown([word.lower() for word in HEAD], rows, right=[_SIZE])] if rows else [])])


def matrix_table(matrix: Matrix) -> str:
    """Return one line a package, below what each image weighs."""
    rows = [(line.name, line.arch, *(version or "-" for version in line.versions)) for line in matrix.lines]
    sums = [
        ("(packages)", "", *(str(len(one)) for one in matrix.manifests)),
        ("(on disk)", "", *(size(one.size_bytes) for one in matrix.manifests)),
    ]
    return f"{matrix.headline}\n\n{aligned([('PACKAGE', 'ARCH', *matrix.names), *sums, *rows])}"


def matrix_json(matrix: Matrix) -> str:
    """Return a matrix as JSON."""
    data = {
        "images": [{**_side(one), "column": name} for one, name in zip(matrix.manifests, matrix.names, strict=True)],
        "total": matrix.total,
        "packages": [
            {"name": line.name, "arch": line.arch, "attention": line.attention,
             "versions": dict(zip(matrix.names, line.versions, strict=True))}
            for line in matrix.lines
        ],
    }  # fmt: skip
    return json.dumps(data, indent=2)


def matrix_csv(matrix: Matrix) -> str:
    """Return a matrix as CSV."""
    return _csv([("name", "arch", *matrix.names), *((line.name, line.arch, *line.versions) for line in matrix.lines)])


def matrix_markdown(matrix: Matrix) -> str:
    """Return a matrix as a table of Markdown."""
    rows = [(line.name, line.arch, *line.versions) for line in matrix.lines]
    return _markdown(["package", "arch", *matrix.names], rows)


def aligned(rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return lines whose columns stand below each other, two blanks apart; those in `right` are flush right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )


def _rows(diff: Diff) -> list[tuple[Any, ...]]:
    sized = diff.sized
    return [cells(row, sized=sized) for row in diff.rows]


def _texts(diff: Diff) -> list[tuple[str, ...]]:
    sized = diff.sized
    return [_text(row, sized=sized) for row in diff.rows]


def _text(row: Change, *, sized: bool) -> tuple[str, ...]:
    why = ", ".join(word for word in (row.attention, row.reason) if word)
    delta = signed(row.delta) if sized else ""
    return row.change, row.names, row.arch, row.old_version, row.new_version, delta, row.section, why


def _side(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name, "kind": manifest.kind, "packages": len(manifest), "size": manifest.size_bytes,
        "digest": manifest.digest,
    }  # fmt: skip


def _csv(rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().removesuffix("\n")


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    rule = ["---:" if number in right else "---" for number in range(len(head))]
    lines = [list(map(_escaped, head)), rule, *(list(map(_escaped, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _escaped(text: str) -> str:
    return "".join(f"\\{sign}" if sign in "\\|`*_<>[]" else sign for sign in text.replace("\n", " "))
