"""Rows as text: a block for each row with its checks, and a table of all rows; and as a DataFrame. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from sbkernel.bench.row import BenchRow, Share

if TYPE_CHECKING:
    import pandas as pd

_HEAD = ("row", "ours", "peer", "ratio", "goal", "")


def block(row: BenchRow) -> str:
    """Return all facts about one row."""
    lines = [
        row.name,
        f"  ours   {_times(row.ours_s):>10}  {row.ours}",
        f"  peer   {_times(row.peer_s):>10}  {row.peer}",
        f"  ratio  {_ratio(row):>10}  {_verdict(row)}" + (f", goal {row.goal}" if row.goal else ""),
    ]
    lines += _parts(row.parts)
    lines += [f"  {'same' if check.ok else 'DIFFERS'}   {check.what}: {check.found}" for check in row.checks]
    lines += [f"  note   {note}" for note in row.notes]
    return "\n".join(lines)


def rows_table(rows: Sequence[BenchRow]) -> str:
    """Return one line for each row."""
    cells = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    return "\n".join(_line(line, widths) for line in cells)


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows, as their as_dict() has them, as a DataFrame: the medians in seconds, the ratio, the goal."""
    import pandas as pd

    cells = [
        (
            row["name"], _median(row["ours"]["seconds"]), _median(row["peer"]["seconds"]), row["ratio"],
            row["goal"] and row["goal"]["ratio"], row["met"], row["valid"], row["peer"]["what"],
        )
        for row in rows
    ]  # fmt: skip
    columns = ["row", "ours_s", "peer_s", "ratio", "goal", "met", "same_work", "peer"]
    return pd.DataFrame(cells, columns=columns)


def _median(seconds: Sequence[float]) -> float | None:
    return median(seconds) if seconds else None


def _cells(row: BenchRow) -> tuple[str, ...]:
    goal = str(row.goal) if row.goal else "-"
    return row.name, _times(row.ours_s), _times(row.peer_s), _ratio(row), goal, _verdict(row)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    sides = (str.ljust, str.rjust, str.rjust, str.rjust, str.ljust, str.ljust)
    return "  ".join(side(cell, width) for side, cell, width in zip(sides, cells, widths, strict=True)).rstrip()


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    runs = f" x{len(seconds)}" if len(seconds) > 1 else ""
    return _seconds(median(seconds)) + runs


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _ratio(row: BenchRow) -> str:
    return "-" if row.ratio is None else f"{row.ratio:.3g}"


def _verdict(row: BenchRow) -> str:
    if not row.valid:
        return "INVALID: not the same work" if row.ours_s and row.peer_s else "INVALID: not measured"
    if row.met is None:
        return "no goal"
    return "met" if row.met else "MISSED"


def _parts(parts: Sequence[Share]) -> list[str]:
    width = max((len(part.name) for part in parts), default=0)
    return [
        f"  part   {part.name:<{width}}  ours {part.ours_s:6.1f} s  peer {part.peer_s:6.1f} s  {_times_of(part)}"
        for part in parts
    ]


def _times_of(part: Share) -> str:
    return f"ratio {part.ours_s / part.peer_s:.2f}" if part.peer_s > 0 else ""
