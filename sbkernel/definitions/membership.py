"""Who is in a static group: kept on the nodes, each of which lists its groups."""

from __future__ import annotations

from sbkernel.definitions.store.interface import Transaction
from sbkernel.definitions.validate import merged
from sbkernel.errors import NotFoundError


def set_members(transaction: Transaction, group: str, members: str) -> None:
    """Make a comma list of nodes the members of a group; NotFoundError when one of them is no node."""
    old, new = set(transaction.members(group)), {node for node in members.split(",") if node}
    transaction.get_many("node", sorted(old ^ new))
    for node in sorted(new - old):
        _join(transaction, node, group)
    for node in sorted(old - new):
        _leave(transaction, node, group)


def _join(transaction: Transaction, node: str, group: str) -> None:
    values = transaction.get("node", node)
    if values is None:
        raise NotFoundError(f"Could not find a node named '{node}'.")
    groups = [one for one in [*values.get("groups", "").split(","), group] if one]
    transaction.put("node", node, {**values, "groups": ",".join(groups)})


def _leave(transaction: Transaction, node: str, group: str) -> None:
    values = transaction.get("node", node) or {}
    left = [one for one in values.get("groups", "").split(",") if one != group]
    transaction.put("node", node, merged(values, {"groups": ",".join(left)}))
