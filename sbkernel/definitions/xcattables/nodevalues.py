"""What tables say about nodes: own values, those that groups lend, and who lent them."""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.definitions.definition import Attributes
from sbkernel.definitions.groups import Reader, stored_nodes
from sbkernel.definitions.seen import computed, inherit, lender
from sbkernel.definitions.store.interface import Store, Values


def node_values(reader: Reader, names: Sequence[str]) -> dict[str, Attributes]:
    """Return what nodes have, columns that only tables show too: with what they are lent, and computed."""
    own, groups = stored_nodes(reader, names)
    return {name: Attributes("node", *computed(name, values, groups)) for name, values in own.items()}


def lenders(store: Store, names: Sequence[str]) -> dict[str, Values]:
    """Return for nodes, by attribute, the group that lends it."""
    own, groups = stored_nodes(store, names)
    return {
        name: {key: group for key in inherit(values, groups) if (group := lender(values, groups, key))}
        for name, values in own.items()
    }


def hidden_nodes(store: Store, names: Sequence[str]) -> set[str]:
    """Return the nodes that listings leave out."""
    return {name for name, values in store.get_many("node", names).items() if values.get("hidden") == "1"}
