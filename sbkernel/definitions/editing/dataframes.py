"""Definitions as DataFrames, and back: a row for each object, a column for each attribute, "" if it is unset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sbkernel.definitions.attributes import KEYS, attributes_of
from sbkernel.definitions.editing.proposal import ObjectSnapshot
from sbkernel.definitions.store.journal import Change
from sbkernel.errors import DefinitionError

if TYPE_CHECKING:
    import pandas as pd

_BASE = "sbkernel"
Cells = dict[str, dict[str, str]]


def frame(read: ObjectSnapshot) -> pd.DataFrame:
    """Return objects as a DataFrame that remembers what was read."""
    import pandas as pd

    columns = list(columns_of(read.objtype, {key for values in read.shown.values() for key in values}))
    cells = {column: [values.get(column, "") for values in read.shown.values()] for column in columns}
    made = pd.DataFrame(cells, index=pd.Index(list(read.shown), name=KEYS[read.objtype], dtype=str), dtype=str)
    made.attrs[_BASE] = read
    return made


def columns_of(objtype: str, used: set[str]) -> Iterator[str]:
    """Yield the attributes in use, in the order of the attribute table, with nicips.eth0 in the place of nicips.

    Columns that no attribute shows, such as nodehm.comments, are left out.
    """
    table = attributes_of(objtype)
    for attribute in table.values():
        if attribute.name in used:
            yield attribute.name
        if attribute.keyed:
            yield from sorted(name for name in used if name.startswith(f"{attribute.name}."))
    yield from sorted(name for name in used if name not in table and "." not in name)


def values(edited: pd.DataFrame, objtype: str) -> tuple[Cells, ObjectSnapshot | None]:
    """Return the cells of an edited frame, and what was read when it was made, if the frame has that.

    The index names the objects, or else the column of their key. Raises DefinitionError if a name occurs twice.
    """
    key = KEYS[objtype]
    named = edited.set_index(key) if key in edited.columns and edited.index.name != key else edited
    names = [str(name) for name in named.index]
    _refuse_twice(names)
    columns = {str(column): _texts(named[column], names, str(column)) for column in named.columns}
    rows = {name: {column: texts[at] for column, texts in columns.items()} for at, name in enumerate(names)}
    base = edited.attrs.get(_BASE)
    if base is not None and base["objtype"] != objtype:
        raise DefinitionError(f"this is a table of {base['objtype']} objects, not of {objtype}")
    return rows, base if isinstance(base, ObjectSnapshot) else None


def history(changes: Sequence[Change]) -> pd.DataFrame:
    """Return change sets as a DataFrame, with their numbers as the index. Times are in the time zone of this host."""
    import pandas as pd

    made = pd.DataFrame(changes, columns=list(Change._fields)).set_index("id")
    made["time"] = [datetime.fromtimestamp(change.t).astimezone().replace(microsecond=0) for change in changes]
    return made[["time", "who", "what", "objects"]]


def _refuse_twice(names: Iterable[str]) -> None:
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    if twice:
        raise DefinitionError(f"named twice: {', '.join(sorted(twice))}", hint="An object is one row.")


def _texts(column: pd.Series[Any], names: list[str], attribute: str) -> list[str]:
    missing = column.isna().tolist()
    return [
        "" if gone else _text(value, name, attribute)
        for name, value, gone in zip(names, column.tolist(), missing, strict=True)
    ]


def _text(value: Any, name: str, attribute: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float):  # a column of numbers in which some are missing
        return str(int(value)) if value.is_integer() else str(value)
    raise DefinitionError(f"{name}: {attribute} is {value!r}, which is neither text nor a number")
