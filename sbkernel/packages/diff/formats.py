"""Diffs and matrices as text for terminals, programs, spreadsheets and issues. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sbkernel.packages.diff.change import Known, PackageChange
from sbkernel.packages.diff.diff import COLUMNS, Diff, cells
from sbkernel.packages.diff.matrix import Matrix
from sbkernel.packages.diff.summary import headline, signed, summary
from sbkernel.packages.diff.tables import aligned, as_csv, as_markdown, escaped
from sbkernel.packages.manifest import Manifest

FORMATS = ("table", "json", "csv", "markdown")
HEAD = ("CHANGE", "PACKAGE", "ARCH", "BEFORE", "AFTER", "SIZE", "SECTION", "WHY")
_SIZE = HEAD.index("SIZE")


def render(shown: Diff | Matrix, form: str) -> str:
    """Return a diff or a matrix in one of FORMATS, without a line break at the end."""
    of_diff: Mapping[str, Callable[[Diff], str]] = {
        "table": diff_table, "json": diff_json, "csv": diff_csv, "markdown": diff_markdown,
    }  # fmt: skip
    of_matrix: Mapping[str, Callable[[Matrix], str]] = {
        "table": str, "json": matrix_json, "csv": matrix_csv, "markdown": matrix_markdown,
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
        "by": diff.by,
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
    return as_csv([COLUMNS, *_rows(diff)])


def diff_markdown(diff: Diff) -> str:
    """Return the headline and the rows as a table of Markdown."""
    head = f"**{escaped(diff.a.name)} → {escaped(diff.b.name)}**\n\n{headline(diff)}"
    rows = _texts(diff)
    return "\n\n".join([head, *([as_markdown([word.lower() for word in HEAD], rows, right=[_SIZE])] if rows else [])])


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
    return as_csv([("name", "arch", *matrix.names), *((line.name, line.arch, *line.versions) for line in matrix.lines)])


def matrix_markdown(matrix: Matrix) -> str:
    """Return a matrix as a table of Markdown."""
    rows = [(line.name, line.arch, *line.versions) for line in matrix.lines]
    return as_markdown(["package", "arch", *matrix.names], rows)


def _rows(diff: Diff) -> list[tuple[Any, ...]]:
    known = diff.known
    return [cells(row, known) for row in diff.rows]


def _texts(diff: Diff) -> list[tuple[str, ...]]:
    known = diff.known
    return [_text(row, known) for row in diff.rows]


def _text(row: PackageChange, known: Known) -> tuple[str, ...]:
    why = ", ".join(word for word in (row.attention, row.reason) if word)
    *_, delta = row.sizes(known)
    grown = "" if delta is None else signed(delta)
    return row.change, row.names, row.arch, row.old_version, row.new_version, grown, row.section, why


def _side(manifest: Manifest) -> dict[str, Any]:
    return {
        "name": manifest.name, "kind": manifest.kind, "packages": len(manifest), "size": manifest.size_bytes,
        "digest": manifest.digest,
    }  # fmt: skip
