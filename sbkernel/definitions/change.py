"""Change one object inside a transaction: checked against the attribute table, group members kept on their nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sbkernel.definitions.collection import inherit
from sbkernel.definitions.store import Transaction, Values
from sbkernel.definitions.validate import check_name, check_values, faults, merged
from sbkernel.errors import DefinitionError, NotFoundError

Changes = Mapping[str, str | None]
Changed = Changes | Callable[[Values], Changes]
"""New values by attribute, None or "" to clear; or a function of the values before that returns them."""


def change(transaction: Transaction, objtype: str, name: str, changed: Changed) -> None:
    """Create an object or change it; DefinitionError when a name, attribute or value is wrong."""
    check_name(objtype, name)
    before = whole_of(transaction, objtype, name)
    given = changed(dict(before)) if callable(changed) else changed
    plain = {key: value or "" for key, value in given.items()}
    check_values(objtype, name, plain, _as_it_would_be(transaction, objtype, before, plain))
    _put(transaction, objtype, name, merged(before, plain))


def wrong(transaction: Transaction, objtype: str, name: str, given: Values) -> dict[str, DefinitionError]:
    """Return what is wrong about each attribute that cannot be given to an object."""
    before = whole_of(transaction, objtype, name)
    return dict(faults(objtype, name, given, _as_it_would_be(transaction, objtype, before, given)))


def whole_of(transaction: Transaction, objtype: str, name: str) -> Values:
    """Return an object as it is stored, a group with its members; {} when there is none."""
    values = transaction.get(objtype, name) or {}
    members = transaction.members(name) if objtype == "group" else []
    return {**values, "members": ",".join(members)} if members else values


def exists(transaction: Transaction, objtype: str, name: str) -> bool:
    """Say whether there is such an object; a group is there as soon as a node names it."""
    return transaction.get(objtype, name) is not None or (objtype == "group" and bool(transaction.members(name)))


def remove(transaction: Transaction, objtype: str, name: str) -> bool:
    """Remove an object, a group also from its members' lists; return whether there was one."""
    found = exists(transaction, objtype, name)
    members = transaction.members(name) if objtype == "group" else []
    transaction.delete(objtype, name)
    for node in members:
        _leave(transaction, node, name)
    return found


def _as_it_would_be(transaction: Transaction, objtype: str, before: Values, given: Values) -> Values:
    whole = merged(before, given)
    if objtype != "node":
        return whole
    groups = whole.get("groups", "").split(",")
    return inherit(whole, {group: transaction.get("group", group) or {} for group in groups})


def _put(transaction: Transaction, objtype: str, name: str, whole: Values) -> None:
    if objtype == "group":
        _set_members(transaction, name, whole.pop("members", ""))
    transaction.put(objtype, name, whole)


def _set_members(transaction: Transaction, group: str, members: str) -> None:
    old, new = set(transaction.members(group)), {node for node in members.split(",") if node}
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
