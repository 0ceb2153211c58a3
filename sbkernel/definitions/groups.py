"""Read nodes with what their groups lend them, and groups with their members."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from sbkernel.definitions import nics, select
from sbkernel.definitions.definition import Attributes
from sbkernel.definitions.seen import computed, inherit, lender, nodes_as_seen, without_columns
from sbkernel.definitions.store.interface import Store, Transaction, Values
from sbkernel.errors import DefinitionError


def stored_nodes(reader: Store | Transaction, names: Sequence[str]) -> tuple[dict[str, Values], dict[str, Values]]:
    """Return nodes as they are stored, and the groups that they are in."""
    own = reader.get_many("node", names)
    wanted = {group for values in own.values() for group in values.get("groups", "").split(",") if group}
    return own, reader.get_many("group", sorted(wanted))


def read_nodes(reader: Store | Transaction, names: Sequence[str]) -> dict[str, Attributes]:
    """Return those of `names` that are nodes, as people see them."""
    return nodes_as_seen(*stored_nodes(reader, names))


def peek_all(store: Store, *attributes: str, but: Collection[str] = ()) -> Iterator[tuple[str, Values]]:
    """Yield every node with some of its attributes, in two reads. It answers questions about all nodes of a site.

    Attributes that are unset or cannot be computed are left out, and so are the nodes in `but`.
    """
    if but:
        nodes = store.get_many("node", [name for name in store.names("node") if name not in but])
    else:
        nodes = store.objects("node")
    groups = {name: _only(values, attributes) for name, values in store.objects("group").items()}
    for name, values in nodes.items():
        found, _faults = computed(name, _only(values, attributes), groups)
        yield name, {key: found[key] for key in attributes if key in found}


def _only(values: Mapping[str, str], attributes: Sequence[str]) -> Values:
    """Return some attributes, and those that decide whether and to whom they are lent."""
    kept = (*attributes, "groups", "grouptype")
    return {key: value for key, value in values.items() if key in kept or key.endswith(".disable")}


def group_names(store: Store) -> list[str]:
    """Return the names of all groups, sorted: those that were made, and those that a node names."""
    made = (name for name, values in store.objects("group").items() if "grouptype" in values)
    return sorted({*made, *store.groups()})


def read_groups(store: Store, names: Sequence[str]) -> dict[str, Attributes]:
    """Return those of `names` that are groups, with their members.

    The store also has objects of type group for names in tables that are not groups yet. They are left out here.
    """
    stored = store.get_many("group", names)
    found = {name: _with_members(store, name, stored.get(name, {})) for name in names}
    return {name: values for name, values in found.items() if values is not None}


def _with_members(store: Store, name: str, stored: Mapping[str, str]) -> Attributes | None:
    values = nics.spread(without_columns(stored))
    try:
        members = _members(store, name, stored)
    except DefinitionError as error:
        message = f"the members of group {name} cannot be found: {error.message}"
        return Attributes("group", values, {"members": DefinitionError(message, hint=error.hint)})
    if not members and "grouptype" not in stored:
        return None
    return Attributes("group", {**values, "members": ",".join(members)})


def _members(store: Store, name: str, stored: Mapping[str, str]) -> list[str]:
    if not select.is_dynamic(stored):
        return store.members(name)
    return select.chosen(select.conditions_of(stored), read_nodes(store, store.names("node")))


def node_values(reader: Store | Transaction, names: Sequence[str]) -> dict[str, Attributes]:
    """Return what nodes have, with what they inherit, computed, and with the columns that only tables show."""
    own, groups = stored_nodes(reader, names)
    return {name: Attributes("node", *computed(name, values, groups)) for name, values in own.items()}


def lenders(store: Store, names: Sequence[str]) -> dict[str, Values]:
    """Return, for each node and attribute, the group that lends it."""
    own, groups = stored_nodes(store, names)
    return {
        name: {key: group for key in inherit(values, groups) if (group := lender(values, groups, key))}
        for name, values in own.items()
    }


def hidden_nodes(store: Store, names: Sequence[str]) -> set[str]:
    """Return the nodes that listings leave out."""
    return {name for name, values in store.get_many("node", names).items() if values.get("hidden") == "1"}
