"""Mappings of name to Definition, read from the store at every access; nodes have what their groups lend them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sbkernel.definitions.attributes import near
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.store import Store, Values
from sbkernel.errors import NotFoundError

_GROUP_OWN = ("grouptype", "members", "wherevals", "membergroups", "usercomment", "groups")


class Collection(Mapping[str, Definition]):
    """All objects of one type."""

    def __init__(self, store: Store, objtype: str) -> None:
        self._store = store
        self._objtype = objtype

    def __getitem__(self, name: str) -> Definition:
        values = self._values(name)
        if values is None:
            raise NotFoundError(
                f"Could not find an object named '{name}' of type '{self._objtype}'.", hint=near(name, self)
            )
        return Definition.of(self._objtype, name, values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.names(self._objtype))

    def __len__(self) -> int:
        return len(self._store.names(self._objtype))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._values(name) is not None

    def __repr__(self) -> str:
        return f"{self._objtype}: {', '.join(self)}"

    def many(self, names: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions of `names`, in one read where the store can; unknown names are left out."""
        found = self._read(list(names))
        return {name: Definition.of(self._objtype, name, found[name]) for name in sorted(found)}

    def _read(self, names: list[str]) -> dict[str, Values]:
        return self._store.get_many(self._objtype, names)

    def _values(self, name: str) -> Values | None:
        return self._store.get(self._objtype, name)


class Nodes(Collection):
    """All nodes; attributes that a node lacks come from the first of its groups that has them."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "node")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._store.get("node", name) is not None

    def _values(self, name: str) -> Values | None:
        return self._read([name]).get(name)

    def _read(self, names: list[str]) -> dict[str, Values]:
        own = self._store.get_many("node", names)
        wanted = sorted({group for values in own.values() for group in _split(values)})
        groups = self._store.get_many("group", wanted)
        return {name: inherit(values, groups) for name, values in own.items()}


class Groups(Collection):
    """All groups: those defined, and those that a node names. `members` is computed."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "group")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._store.names("group"), *self._store.groups()}))

    def __len__(self) -> int:
        return len({*self._store.names("group"), *self._store.groups()})

    def _values(self, name: str) -> Values | None:
        values, members = self._store.get("group", name), self._store.members(name)
        if values is None and not members:
            return None
        return {**(values or {}), "members": ",".join(members)}

    def _read(self, names: list[str]) -> dict[str, Values]:
        found = {name: self._values(name) for name in names}
        return {name: values for name, values in found.items() if values is not None}


class NodeUniverse:
    """What a noderange is read against: the nodes and groups of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def existing(self, names: Sequence[str]) -> set[str]:
        """Return those of `names` that are nodes."""
        return self._store.existing("node", names)

    def members(self, group: str) -> list[str] | None:
        """Return the nodes of a group, or None when there is no such group."""
        return self._store.members(group) or ([] if self._store.get("group", group) is not None else None)

    def all_nodes(self) -> list[str]:
        """Return the names of all nodes."""
        return self._store.names("node")


def inherit(own: Mapping[str, str], groups: Mapping[str, Values]) -> Values:
    """Return a node's attributes with those that its groups lend, the first group first."""
    whole = dict(own)
    for group in _split(own):
        for key, value in groups.get(group, {}).items():
            if key not in _GROUP_OWN:
                whole.setdefault(key, value)
    return whole


def _split(values: Mapping[str, str]) -> list[str]:
    return [group for group in values.get("groups", "").split(",") if group]
