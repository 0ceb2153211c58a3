"""Change nodes, and what groups lend them, by columns of tables, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sbkernel.definitions import objects
from sbkernel.definitions.definition import Attributes
from sbkernel.definitions.groups import node_values
from sbkernel.definitions.select import is_dynamic
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import check_name
from sbkernel.definitions.xcattables import rowedit
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.definitions.xcattables.columnwords import Column, ColumnAssignment, ColumnRequest, assigned
from sbkernel.definitions.xcattables.rowedit import forget
from sbkernel.definitions.xcattables.rowshape import TableRow
from sbkernel.errors import DefinitionError

GROUPS = Column("nodelist", "groups")


def fulfilling(transaction: Transaction, names: Sequence[str], request: ColumnRequest) -> list[str]:
    """Return the nodes for which all criteria hold."""
    if not request.criteria:
        return list(names)
    values = node_values(transaction, names)
    return [name for name in names if name in values and _fulfils(name, values[name], request)]


def _fulfils(name: str, values: Mapping[str, str], request: ColumnRequest) -> bool:
    return all(one.holds(column.value(name, values)) for column, one in request.criteria)


def change_nodes(transaction: Transaction, names: Sequence[str], assignments: Sequence[ColumnAssignment]) -> None:
    """Give columns of existing nodes new values. Raises DefinitionError if one is not legal."""
    values = node_values(transaction, names)
    for name in names:
        _write(transaction, name, _assigned(name, values[name], assignments))


def add_nodes(transaction: Transaction, names: Sequence[str], assignments: Sequence[ColumnAssignment]) -> list[str]:
    """Make nodes, or change those that exist. Return the nodes that would have no group; then nothing is written."""
    values = {name: Attributes("node", {}) for name in names} | node_values(transaction, names)
    wanted = {name: _assigned(name, values[name], assignments) for name in names}
    objects.look_ahead(transaction, "node", names, [])
    homeless = [name for name in names if not wanted[name].get(GROUPS, values[name].get("groups", ""))]
    for name in () if homeless else names:
        check_name("node", name)
        # Groups come first: what they lend decides where other columns are stored.
        _write(transaction, name, dict(sorted(wanted[name].items(), key=lambda item: item[0] != GROUPS)))
    return homeless


def delete_rows(transaction: Transaction, names: Sequence[str], table: str) -> None:
    """Delete the rows of nodes in a table. Without its row in nodelist, a node no longer exists."""
    rowedit.delete(transaction, table, *(TableRow("node", name, {}) for name in transaction.get_many("node", names)))


def delete_nodes(transaction: Transaction, names: Sequence[str]) -> None:
    """Delete nodes with all their rows."""
    transaction.get_many("node", names)
    for name in names:
        transaction.delete("node", name)
    forget(transaction, names)


def change_group(transaction: Transaction, group: str, assignments: Sequence[ColumnAssignment]) -> None:
    """Give a group values that all its members inherit: their own values of these columns are cleared.

    The group need not exist yet. Nodes that join it inherit the values.
    """
    _check_group(transaction, group)
    columns = assigned(assignments, lambda _: "")
    for table, cells in _by_table(columns).items():
        rowedit.update(transaction, table, TableRow("group", group, {}), cells)
    members = transaction.members(group)
    transaction.get_many("node", members)
    for name in members:
        _write(transaction, name, dict.fromkeys(columns, ""))


def _check_group(transaction: Transaction, group: str) -> None:
    check_name("group", group)
    if is_dynamic(transaction.get("group", group)):
        raise DefinitionError(f"Can not assign attributes to dynamic node group '{group}'.")
    if transaction.get("node", group) is not None and not objects.exists(transaction, "group", group):
        raise DefinitionError(f"'{group}' is a node, not a group", hint="nodech changes nodes.")


def dynamic_groups(transaction: Transaction, assignments: Iterable[ColumnAssignment]) -> list[str]:
    """Return the dynamic groups into which the assignments put nodes by name."""
    values = [one.value for one in assignments if one.column == GROUPS and one.operator == "="]
    names = [group for value in values for group in value.split(",") if group]
    return [group for group in names if is_dynamic(transaction.get("group", group))]


def tables_of_nodes() -> set[str]:
    """Return the names of the tables whose rows show nodes and groups."""
    return {name for name, table in TABLES.items() if table.of_nodes}


def _assigned(name: str, values: Mapping[str, str], assignments: Sequence[ColumnAssignment]) -> dict[Column, str]:
    return assigned(assignments, lambda column: column.value(name, values))


def _write(transaction: Transaction, name: str, columns: Mapping[Column, str]) -> None:
    for table, cells in _by_table(columns).items():
        rowedit.update(transaction, table, TableRow("node", name, {}), cells)


def _by_table(columns: Mapping[Column, str]) -> dict[str, Values]:
    tables: dict[str, Values] = {}
    for (table, column), value in columns.items():
        tables.setdefault(table, {})[column] = value
    return tables
