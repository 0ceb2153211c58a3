"""Answers of verbs as values, for a caller in this process that takes them: a notebook. Everybody else gets text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

taken: ContextVar[list[Any] | None] = ContextVar("taken", default=None)
"""Where the caller wants the answer; None if it wants text."""


def give(answer: Callable[[], Any]) -> bool:
    """Hand over the answer if the caller takes values; else tell the verb to print it."""
    into = taken.get()
    if into is None:
        return False
    into.append(answer())
    return True


def frame(rows: Iterable[Mapping[str, object]], index: str = "") -> pd.DataFrame:
    """Return rows as a DataFrame, with a column as its index; what a row lacks is ""."""
    import pandas as pd

    known = [dict(row) for row in rows]
    columns = list(dict.fromkeys([*([index] if index else []), *(name for row in known for name in row)]))
    made = pd.DataFrame([[row.get(name, "") for name in columns] for row in known], columns=columns)
    return made.set_index(index) if index else made
