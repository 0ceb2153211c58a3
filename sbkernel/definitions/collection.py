"""Mappings from name to Definition. Every access reads the store. Nodes have what their groups lend them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from sbkernel.definitions.attributes import OPEN_TYPES, near
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.editing.selection import Objects, Selection
from sbkernel.definitions.groups import group_names, read_groups, read_nodes
from sbkernel.definitions.seen import without_columns
from sbkernel.definitions.store.interface import Key, Store, Values
from sbkernel.errors import NotFoundError


class Collection(Objects):
    """All objects of one type."""

    def __init__(self, store: Store, objtype: str) -> None:
        self._store = store
        self._objtype = objtype

    def __getitem__(self, name: str) -> Definition:
        """Return the definition of that name, or a Selection if the text names several objects.

        Raises NotFoundError if there is none. Typed code calls `select` to get several objects.
        """
        values = self._values(name)
        if values is not None:
            return Definition.of(self._objtype, name, values)
        if self._names_several(name):
            return cast("Definition", self.select(name))
        raise self._not_found(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.names(self._objtype))

    def __len__(self) -> int:
        return len(self._store.names(self._objtype))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._values(name) is not None

    def select(self, names: str) -> Selection:
        """Return some of them by a comma list, or nodes by a noderange. Raises NotFoundError if one does not exist."""
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        found = self._read(wanted)
        if missing := [name for name in wanted if name not in found]:
            raise self._not_found(missing[0])
        return self._part(wanted)

    def _names_several(self, text: str) -> bool:
        return "," in text

    def _not_found(self, name: str) -> NotFoundError:
        message = f"Could not find an object named '{name}' of type '{self._objtype}'."
        return NotFoundError(message, hint=near(name, self))

    def many(self, names: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions of `names`, read together if the store can do that. Unknown names are left out."""
        found = self._read(list(names))
        return {name: Definition.of(self._objtype, name, found[name]) for name in sorted(found)}

    def _read(self, names: list[str]) -> Mapping[str, Mapping[str, str]]:
        found = self._store.get_many(self._objtype, names)
        return {name: self._seen(values) for name, values in found.items()}

    def _values(self, name: str) -> Mapping[str, str] | None:
        return self._read([name]).get(name)

    def _seen(self, values: Values) -> Values:
        return values if self._objtype in OPEN_TYPES else without_columns(values)


class Nodes(Collection):
    """All nodes. An attribute that a node lacks comes from the first of its groups that has it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "node")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._store.get("node", name) is not None

    def _read(self, names: list[str]) -> Mapping[str, Mapping[str, str]]:
        return read_nodes(self._store, names)

    def select(self, names: str) -> Selection:
        """Return the nodes of a noderange. Raises NotFoundError for unknown names, DefinitionError for wrong syntax."""
        from sbkernel.definitions.ranges.noderange import noderange
        from sbkernel.definitions.ranges.universe import NodeUniverse

        return self._part(noderange(names, NodeUniverse(self._store)))

    def touched(self, objects: Iterable[Key]) -> set[str]:
        """Return the nodes among the changed objects, and the members of changed groups."""
        names = set[str]()
        for objtype, name in objects:
            if objtype == "node":
                names.add(name)
            elif objtype == "group":
                names.update(self._store.members(name))
        return names

    def _names_several(self, text: str) -> bool:
        from sbkernel.definitions.ranges.noderange import expand

        return bool(text.strip()) and (text in Groups(self._store) or expand(text) != [text])

    def _ipython_key_completions_(self) -> list[str]:
        return [*self, *Groups(self._store)]


class Groups(Collection):
    """All groups: those that were made, and those that a node names."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "group")

    def __iter__(self) -> Iterator[str]:
        return iter(group_names(self._store))

    def __len__(self) -> int:
        return len(group_names(self._store))

    def _read(self, names: list[str]) -> Mapping[str, Mapping[str, str]]:
        return read_groups(self._store, names)
