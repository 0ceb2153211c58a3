"""Definitions in memory, written as in a transaction: what a reader of tables fills row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sbkernel.definitions.store.interface import Values

Key = tuple[str, str]


class Sheet:
    """A Transaction over nothing but itself; `written` gathers the objects that were put since it was last emptied."""

    change: int | None = None

    def __init__(self) -> None:
        self._objects: dict[str, dict[str, Values]] = {}
        self._members: dict[str, set[str]] = {}
        self.written: set[Key] = set()

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""
        values = self._objects.get(objtype, {}).get(name)
        return None if values is None else dict(values)

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`."""
        return {name: values for name in names if (values := self.get(objtype, name)) is not None}

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""
        return sorted(self._objects.get(objtype, {}))

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""
        return self.get_many(objtype, self.names(objtype))

    def types(self) -> list[str]:
        """Return the types of which there are objects."""
        return list(self._objects)

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""
        return sorted(self._members.get(group, ()))

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""
        return sorted(group for group, members in self._members.items() if members)

    def put(self, objtype: str, name: str, values: Mapping[str, str]) -> None:
        """Write an object whole."""
        self.delete(objtype, name)
        self._objects.setdefault(objtype, {})[name] = dict(values)
        self.written.add((objtype, name))
        for group in values.get("groups", "").split(",") if objtype == "node" else ():
            self._members.setdefault(group, set()).add(name)

    def put_many(self, objtype: str, objects: Mapping[str, Mapping[str, str]]) -> None:
        """Write objects whole."""
        for name, values in objects.items():
            self.put(objtype, name, values)

    def delete(self, objtype: str, name: str) -> None:
        """Remove an object; nothing happens when there is none."""
        before = self._objects.get(objtype, {}).pop(name, {})
        for group in before.get("groups", "").split(",") if objtype == "node" else ():
            self._members.get(group, set()).discard(name)

    def forget(self, until: int) -> None:
        """Do nothing: it keeps no journal."""
