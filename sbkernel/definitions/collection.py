"""Mappings of name to Definition, read from the store at every access; nodes have what their groups lend them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from sbkernel.definitions import dynamic, nics
from sbkernel.definitions.attributes import OPEN_TYPES, near
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.editing.selection import Objects, Selection
from sbkernel.definitions.expression import evaluate
from sbkernel.definitions.store.interface import Store, Values
from sbkernel.errors import NotFoundError

_GROUP_OWN = frozenset({"grouptype", "members", "wherevals", "membergroups", "usercomment", "groups"})


class Collection(Objects):
    """All objects of one type."""

    def __init__(self, store: Store, objtype: str) -> None:
        self._store = store
        self._objtype = objtype

    def __getitem__(self, name: str) -> Definition:
        """Return the definition of that name; for text that names several, a Selection of them.

        NotFoundError when there is none. Typed code knows which it wants, and asks `select` for several.
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
        """Return some of them by a comma list, of nodes by a noderange; NotFoundError when one does not exist."""
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
        """Return the definitions of `names`, in one read where the store can; unknown names are left out."""
        found = self._read(list(names))
        return {name: Definition.of(self._objtype, name, found[name]) for name in sorted(found)}

    def _read(self, names: list[str]) -> dict[str, Values]:
        found = self._store.get_many(self._objtype, names)
        return {name: self._seen(values) for name, values in found.items()}

    def _values(self, name: str) -> Values | None:
        return self._read([name]).get(name)

    def _seen(self, values: Values) -> Values:
        return values if self._objtype in OPEN_TYPES else without_columns(values)


class Nodes(Collection):
    """All nodes; attributes that a node lacks come from the first of its groups that has them."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, "node")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._store.get("node", name) is not None

    def _read(self, names: list[str]) -> dict[str, Values]:
        own = self._store.get_many("node", names)
        wanted = sorted({group for values in own.values() for group in _split(values)})
        groups = self._store.get_many("group", wanted)
        return nodes_as_seen(own, groups)

    def select(self, names: str) -> Selection:
        """Return the nodes of a noderange; NotFoundError for unknown names, DefinitionError when it cannot be read."""
        from sbkernel.definitions.ranges.noderange import noderange
        from sbkernel.definitions.ranges.universe import NodeUniverse

        return self._part(noderange(names, NodeUniverse(self._store)))

    def _names_several(self, text: str) -> bool:
        from sbkernel.definitions.ranges.noderange import expand

        return bool(text.strip()) and (text in Groups(self._store) or expand(text) != [text])

    def _ipython_key_completions_(self) -> list[str]:
        return [*self, *Groups(self._store)]


class Groups(Collection):
    """All groups: those made as groups, and those that a node names. `members` is computed.

    Rows of tables keyed by a name that is neither are kept with type group too, but are no groups: a node that
    joins such a group inherits them.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store, "group")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> list[str]:
        made = (name for name, values in self._store.objects("group").items() if "grouptype" in values)
        return sorted({*made, *self._store.groups()})

    def _read(self, names: list[str]) -> dict[str, Values]:
        stored = self._store.get_many("group", names)
        found = {name: self._with_members(name, stored.get(name)) for name in names}
        return {name: values for name, values in found.items() if values is not None}

    def _with_members(self, name: str, stored: Values | None) -> Values | None:
        members = self._members(name, stored)
        if not members and "grouptype" not in (stored or {}):
            return None
        return {**nics.spread(without_columns(stored or {})), "members": ",".join(members)}

    def _members(self, name: str, stored: Values | None) -> list[str]:
        if stored is None or not dynamic.is_dynamic(stored):
            return self._store.members(name)
        nodes = Nodes(self._store)
        every = nodes.many(self._store.names("node"))
        seen = {node: dict(one.attributes) for node, one in every.items()}
        return dynamic.chosen(dynamic.conditions_of(stored), seen)


def inherit(own: Mapping[str, str], groups: Mapping[str, Values]) -> Values:
    """Return a node's attributes with those that its groups lend, the first group first; dynamic ones lend none."""
    whole = dict(_enabled(own))
    for group in _split(own):
        lender = _enabled(groups.get(group, {}))
        if dynamic.is_dynamic(lender):
            continue
        for key, value in lender.items():
            if key not in _GROUP_OWN:
                whole.setdefault(key, value)
    return whole


def _enabled(values: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out what lies in rows that are disabled (column `disable`, which only tables show)."""
    if ".disable" not in " ".join(values):
        return values
    from sbkernel.definitions.xcattables.columns import enabled

    return enabled("node", values)


def nodes_as_seen(own: Mapping[str, Values], groups: Mapping[str, Values]) -> dict[str, Values]:
    """Return nodes as people see them, of what is stored with them and with their groups."""
    return {name: as_seen(name, inherit(values, groups)) for name, values in own.items()}


def as_seen(node: str, whole: Mapping[str, str]) -> Values:
    """Return a node's attributes as people see them: expressions evaluated, one `nicips.eth0` an interface."""
    values = {key: evaluate(value, node) if value[:1] == "|" else value for key, value in whole.items()}
    return nics.spread(without_columns({key: value for key, value in values.items() if value}), node)


def without_columns(values: Mapping[str, str]) -> Values:
    """Drop `table.column`: columns that no attribute shows are kept with the object, and only its tables show them."""
    return {
        key: value for key, value in values.items() if "." not in key or nics.is_word(key) or key.startswith("passwd.")
    }


def _split(values: Mapping[str, str]) -> list[str]:
    return [group for group in values.get("groups", "").split(",") if group]
