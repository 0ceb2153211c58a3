"""What a noderange is read against: the nodes, groups and attributes of one store, and files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sbkernel.definitions.groups import group_names, read_groups
from sbkernel.definitions.store.interface import Store
from sbkernel.errors import DefinitionError, NotFoundError

_MANY = 2000
"""From this many names on, it is faster to read the names of all nodes."""

_LONGEST_BYTES = 64 << 20


class NodeUniverse:
    """The nodes and groups of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._members: dict[str, list[str] | None] = {}

    def existing(self, names: Collection[str]) -> set[str]:
        """Return those of `names` that are nodes."""
        if len(names) < _MANY:
            return self._store.existing("node", list(names))
        return set(names).intersection(self._store.names("node"))

    def groups(self, names: Collection[str]) -> set[str]:
        """Return those of `names` that are groups: those that were made, and those that a node names."""
        if len(names) >= _MANY:
            names = set(names).intersection(group_names(self._store))
        return {name for name in names if self._group(name) is not None}

    def members(self, group: str) -> list[str]:
        """Return the nodes of a group."""
        return self._group(group) or []

    def all_nodes(self) -> list[str]:
        """Return the names of all nodes."""
        return self._store.names("node")

    def where(self, selection: str) -> list[str] | None:
        """Return the nodes for which `table.column==value` holds, or None if there is no such column."""
        from sbkernel.definitions.groups import node_values
        from sbkernel.definitions.xcattables.columnwords import column, criterion

        # In a noderange, and only there, a single = is a comparison, too.
        condition = criterion(selection) or criterion(selection.replace("=", "==", 1))
        try:
            wanted = column(condition.label) if condition else None
        except NotFoundError:
            return None
        if condition is None or wanted is None:
            return None
        nodes = node_values(self._store, self.all_nodes())
        return [name for name, values in nodes.items() if condition.holds(wanted.value(name, values))]

    def read(self, path: str) -> str:
        """Return the text of a file. Raises DefinitionError if it cannot be read."""
        try:
            with Path(path).open("rb") as file:
                data = file.read(_LONGEST_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DefinitionError(f"noderange: {path} cannot be read: {reason}") from None
        if len(data) > _LONGEST_BYTES:
            raise DefinitionError(f"noderange: {path} is longer than {_LONGEST_BYTES >> 20} MiB")
        return data.decode("utf-8", "backslashreplace")

    def _group(self, name: str) -> list[str] | None:
        """Return the nodes of a group, or None if there is no such group."""
        if name not in self._members:
            found = read_groups(self._store, [name]).get(name)
            self._members[name] = None if found is None else [node for node in found["members"].split(",") if node]
        return self._members[name]
