"""Show a DataFrame as HTML for records: inline styles, numbers aligned to the right, long tables cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sbkernel.units import size
from sbkernel.workbench.html import div, muted
from sbkernel.workbench.html import table as html_table
from sbkernel.workbench.panel import Shown

if TYPE_CHECKING:
    import pandas as pd


def table(frame: pd.DataFrame, *, rows: int | None = 400, height_px: int = 380) -> Shown:
    """Show a DataFrame as a table that scrolls. A column named `size` is in bytes and is shown with units.

    Only the first `rows` rows are shown, with the number of the others; None shows all rows.
    """
    from pandas.api.types import is_numeric_dtype

    columns = [str(name) for name in frame.columns]
    numeric = [i for i, name in enumerate(frame.columns) if is_numeric_dtype(frame[name])]
    kept = frame if rows is None else frame.head(rows)
    cells = [[_cell(n, v) for n, v in zip(columns, row, strict=True)] for row in kept.itertuples(index=False)]
    cut = len(frame) - len(kept)
    shown = div(
        html_table(columns, cells, numeric=numeric),
        muted(f"and {cut} more") if cut else None,
        style=f"max-height:{height_px}px;overflow:auto;max-width:960px",
    )
    return Shown(shown, kept.to_string(index=False))


def _cell(column: str, value: Any) -> object:
    """Return a value as people read it: nothing for none, three digits of a small number."""
    if value is None or value != value:
        return ""
    if column == "size":
        return size(value)
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
    return value
