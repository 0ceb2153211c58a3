"""What tables say about nodes: own values, those that groups lend, and who lent them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sbkernel.definitions.collection import inherit
from sbkernel.definitions.expression import evaluate
from sbkernel.definitions.store.interface import Store, Transaction, Values


def node_values(store: Store | Transaction, names: Sequence[str]) -> dict[str, Values]:
    """Return what nodes have, columns that only tables show too: expressions evaluated, unset ones left out."""
    own, groups = _read(store, names)
    return {name: _evaluated(name, inherit(values, groups)) for name, values in own.items()}


def lenders(store: Store, names: Sequence[str]) -> dict[str, Values]:
    """Return for nodes, by attribute, the group that lends it."""
    own, groups = _read(store, names)
    return {name: _lenders(values, groups) for name, values in own.items()}


def hidden_nodes(store: Store, names: Sequence[str]) -> set[str]:
    """Return the nodes that listings leave out."""
    return {name for name, values in store.get_many("node", names).items() if values.get("hidden") == "1"}


def _read(store: Store | Transaction, names: Sequence[str]) -> tuple[dict[str, Values], dict[str, Values]]:
    own = store.get_many("node", names)
    wanted = {group: None for values in own.values() for group in values.get("groups", "").split(",") if group}
    return own, store.get_many("group", sorted(wanted))


def _evaluated(name: str, whole: Mapping[str, str]) -> Values:
    values = {key: evaluate(value, name) if value[:1] == "|" else value for key, value in whole.items()}
    return {key: value for key, value in values.items() if value}


def _lenders(own: Mapping[str, str], groups: Mapping[str, Values]) -> Values:
    found: Values = {}
    for group in own.get("groups", "").split(","):
        lent = inherit({"groups": group}, {group: groups.get(group, {})})
        found = {**dict.fromkeys(lent.keys() - own.keys() - {"groups"}, group), **found}
    return found
