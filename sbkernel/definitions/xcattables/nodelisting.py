"""What nodels shows: columns of tables for nodes, chosen by criteria, byte for byte as xCAT does. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.definition import Attributes
from sbkernel.definitions.secret import shown
from sbkernel.definitions.xcattables.columns import TABLES, Table, attribute_in, value_in
from sbkernel.definitions.xcattables.columnwords import SHORTNAMES, Column, Criterion, column, criterion
from sbkernel.definitions.xcattables.rowshape import is_secret_cell
from sbkernel.errors import DefinitionError, NotFoundError


class Query(NamedTuple):
    """What the words of nodels ask for."""

    shown: dict[Column, str]
    """Columns with their labels."""
    criteria: dict[Column, Criterion]
    is_labelled: bool
    unknown: tuple[str, ...]
    """Words that are not columns."""
    doubled: str = ""
    """The label of a second criterion for the same column, which is refused."""


class NodeStyle(NamedTuple):
    """How values are shown."""

    blame: bool = False
    """Show which group lends a value."""
    reveal: bool = False
    """Show secrets."""


def query(words: Sequence[str], *, labelled: bool = False) -> Query:
    """Read the items of nodels. Values have labels if there are several items or a whole table."""
    found = Query({}, {}, labelled or any(map(_is_table, words)) or sum(map(_is_item, words)) > 1, ())
    for word in words:
        if _is_table(word):
            found.shown.update({Column(word, name): f"{word}.{name}" for name in TABLES[word].columns})
        elif not found.doubled:
            found = _with_item(found, word)
    return found


def _with_item(wanted: Query, word: str) -> Query:
    condition = criterion(word)
    label = condition.label if condition else word
    try:
        place = column(label)
    except NotFoundError as error:
        return wanted._replace(unknown=(*wanted.unknown, str(error)))
    if condition is None:
        return wanted._replace(shown={**wanted.shown, place: label})
    if place in wanted.criteria:
        return wanted._replace(doubled=label)
    return wanted._replace(criteria={**wanted.criteria, place: condition})


def _is_item(word: str) -> bool:
    condition = criterion(word)
    label = condition.label if condition else word
    return label in SHORTNAMES or "." in label


def _is_table(word: str) -> bool:
    return word in TABLES and TABLES[word].of_nodes


class NodeLines(NamedTuple):
    """What is shown of one node."""

    lines: list[str]
    faults: tuple[DefinitionError, ...] = ()
    """Why columns that were asked for cannot be shown."""


def lines(wanted: Query, node: str, values: Attributes, lenders: Mapping[str, str], style: NodeStyle) -> NodeLines:
    """Return the lines of one node, none if a criterion does not hold. In each table, set columns come first.

    Raises DefinitionError for a criterion on a value that cannot be computed.
    """
    if not all(one.holds(place.value(node, values)) for place, one in wanted.criteria.items()):
        return NodeLines([])
    if not wanted.shown and wanted.criteria:
        return NodeLines([node])
    attributes = {place: attribute_in("node", f"{place.table}.{place.column}", values.sound) for place in wanted.shown}
    cells = [
        (place, label, _value(place, node, values.sound, style.reveal))
        for place, label in wanted.shown.items()
        if attributes[place] not in values.faults
    ]
    tables = list(dict.fromkeys(place.table for place in wanted.shown))
    found = NodeLines([], tuple(values.faults[one] for one in attributes.values() if one in values.faults))
    for place, label, value in sorted(cells, key=lambda cell: (tables.index(cell[0].table), not cell[2], cell[0])):
        lender = lenders.get(attributes[place], "") if style.blame else ""
        text = f"{value} (inherited from group {lender})" if lender and value else value
        found.lines.append(f"{node}: {label}: {text}" if wanted.is_labelled else f"{node}: {text}")
    return found


def _value(place: Column, node: str, values: Mapping[str, str], reveal: bool) -> str:
    table = TABLES[place.table]
    if place.is_key and not _has_row(table, values):
        return ""
    value = place.value(node, values)
    return shown(value) if not reveal and is_secret_cell(table, place.column) else value


def _has_row(table: Table, values: Mapping[str, str]) -> bool:
    return table.name == "nodelist" or any(value_in("node", f"{table.name}.{name}", values) for name in table.columns)
