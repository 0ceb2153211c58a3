"""Change one object inside a transaction: checked against the attribute table, group members kept on their nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sbkernel.definitions import nics
from sbkernel.definitions.seen import inherit
from sbkernel.definitions.select import is_dynamic
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import check_name, faults, merged
from sbkernel.errors import DefinitionError, NotFoundError

Changes = Mapping[str, str | None]
Changed = Changes | Callable[[Values], Changes]
"""New values by attribute, None or "" to clear; or a function of the values before that returns them."""

_OF_DYNAMIC = {"grouptype", "wherevals", "members", "membergroups"}


class Draft(NamedTuple):
    """An object as it would be, and what is wrong about each attribute that was given."""

    objtype: str
    name: str
    before: Values
    whole: Values
    faults: dict[str, DefinitionError]


def change(transaction: Transaction, objtype: str, name: str, changed: Changed) -> None:
    """Create an object or change it; DefinitionError when a name, attribute or value is wrong."""
    check_name(objtype, name)
    before = whole_of(transaction, objtype, name)
    given = changed(dict(before)) if callable(changed) else changed
    drafted = draft(transaction, objtype, name, {key: value or "" for key, value in given.items()})
    for fault in drafted.faults.values():
        raise fault
    write(transaction, drafted)


def draft(transaction: Transaction, objtype: str, name: str, given: Values, before: Values | None = None) -> Draft:
    """Return what an object would be with new values, instead of `before` if that is given; nothing is written."""
    before = whole_of(transaction, objtype, name) if before is None else before
    whole = _settled(objtype, merged(before, nics.folded(before, given)))
    if objtype == "group" and "grouptype" not in whole and not exists(transaction, objtype, name):
        whole["grouptype"] = "static"
    found = dict(faults(objtype, name, given, _with_lent(transaction, objtype, whole)))
    return Draft(objtype, name, before, whole, _dynamic_faults(name, whole, given) or found)


def write(transaction: Transaction, drafted: Draft) -> None:
    """Write a draft; the members of a group are written with their nodes."""
    objtype, name, whole = drafted.objtype, drafted.name, dict(drafted.whole)
    if objtype == "group":
        members = whole.pop("members", "")
        if not is_dynamic(whole):
            set_members(transaction, name, members)
        if not whole:
            # A group that nodes only name has nothing of its own to keep.
            transaction.delete(objtype, name)
            return
    elif objtype == "node" and _lone_rows(transaction, name):
        transaction.delete("group", name)
    transaction.put(objtype, name, whole)


def whole_of(transaction: Transaction, objtype: str, name: str) -> Values:
    """Return an object as it is stored, a group with its members; {} when there is none.

    A new node takes over what tables were told about its name before it existed.
    """
    values = transaction.get(objtype, name)
    if objtype == "group" and not is_dynamic(values):
        members = transaction.members(name)
        return {**(values or {}), **({"members": ",".join(members)} if members else {})}
    if objtype == "node" and values is None:
        return _lone_rows(transaction, name)
    return values or {}


def _lone_rows(transaction: Transaction, name: str) -> Values:
    """Return what is kept for a name that is no group: rows of tables."""
    values = transaction.get("group", name)
    if values is None or "grouptype" in values or transaction.members(name):
        return {}
    return values


def exists(transaction: Transaction, objtype: str, name: str) -> bool:
    """Say whether there is such an object; a group is there when it was made, or when a node names it."""
    values = transaction.get(objtype, name)
    if objtype != "group" or (values is not None and "grouptype" in values):
        return values is not None
    return bool(transaction.members(name))


def remove(transaction: Transaction, objtype: str, name: str) -> bool:
    """Remove an object, a group also from its members' lists; return whether there was one."""
    found = exists(transaction, objtype, name)
    if found:
        if objtype == "group":
            set_members(transaction, name, "")
        transaction.delete(objtype, name)
    return found


def rename(transaction: Transaction, objtype: str, old: str, new: str) -> None:
    """Give an object another name, a group also in its members' lists; DefinitionError when the name is taken."""
    check_name(objtype, new)
    if exists(transaction, objtype, new):
        raise DefinitionError(f"Object {new} already exists.")
    values = transaction.get(objtype, old)
    if objtype == "group":
        members = ",".join(transaction.members(old))
        set_members(transaction, old, "")
        set_members(transaction, new, members)
    transaction.delete(objtype, old)
    if values is not None:
        transaction.put(objtype, new, values)


def look_ahead(transaction: Transaction, objtype: str, names: Iterable[str], given: Iterable[Values]) -> None:
    """Read in one go what changes of many objects will ask for one by one."""
    wanted = list(names)
    transaction.get_many(objtype, wanted)
    if objtype == "node":
        groups = {group for values in given for group in values.get("groups", "").split(",")}
        transaction.get_many("group", [*wanted, *groups])


def _settled(objtype: str, whole: Values) -> Values:
    """Return the values with columns that tables were told early moved to the attributes that now show them."""
    if not any("." in key for key in whole):
        return whole
    # Read only here: what an ordinary change starts with stays small.
    from sbkernel.definitions.xcattables.columns import settled

    return settled(objtype, whole)


def _with_lent(transaction: Transaction, objtype: str, whole: Values) -> Values:
    if objtype != "node":
        return whole
    groups = whole.get("groups", "").split(",")
    return inherit(whole, {group: transaction.get("group", group) or {} for group in groups})


def _dynamic_faults(name: str, whole: Values, given: Values) -> dict[str, DefinitionError]:
    if not is_dynamic(whole):
        return {}
    wrong = [key for key in given if key not in _OF_DYNAMIC and not key.startswith("nodegroup.")]
    fault = DefinitionError(f"Can not assign attributes to dynamic node group '{name}'.")
    return dict.fromkeys(wrong[:1], fault)


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
