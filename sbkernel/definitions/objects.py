"""Change one object inside a transaction. The attribute table decides what is legal; nodes store their groups."""

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
"""New values by attribute, None or "" to clear one; or a function from the old values to the new ones."""

_OF_DYNAMIC = {"grouptype", "wherevals", "members", "membergroups"}


class Draft(NamedTuple):
    """An object as it would be, and what is wrong with each new value."""

    objtype: str
    name: str
    before: Values
    whole: Values
    faults: dict[str, DefinitionError]


def change(transaction: Transaction, objtype: str, name: str, changed: Changed) -> None:
    """Create or change an object. Raises DefinitionError if a name, an attribute or a value is wrong."""
    check_name(objtype, name)
    before = whole_of(transaction, objtype, name)
    given = changed(dict(before)) if callable(changed) else changed
    drafted = draft(transaction, objtype, name, {key: value or "" for key, value in given.items()})
    for fault in drafted.faults.values():
        raise fault
    write(transaction, drafted)


def draft(transaction: Transaction, objtype: str, name: str, given: Values, before: Values | None = None) -> Draft:
    """Return what an object would be with new values. `before` replaces what is stored. Nothing is written."""
    before = whole_of(transaction, objtype, name) if before is None else before
    whole = _settled(objtype, merged(before, nics.folded(before, given)))
    if objtype == "group" and "grouptype" not in whole and not exists(transaction, objtype, name):
        whole["grouptype"] = "static"
    found = dict(faults(objtype, name, given, _with_lent(transaction, objtype, whole)))
    return Draft(objtype, name, before, whole, _dynamic_faults(name, whole, given) or found)


def write(transaction: Transaction, drafted: Draft) -> None:
    """Write a draft. The members of a group are stored with their nodes."""
    objtype, name, whole = drafted.objtype, drafted.name, dict(drafted.whole)
    if objtype == "group":
        members = whole.pop("members", "")
        if not is_dynamic(whole):
            set_members(transaction, name, members)
        if not whole:
            # A group that only nodes name has nothing to store.
            transaction.delete(objtype, name)
            return
    elif objtype == "node" and _lone_rows(transaction, name):
        transaction.delete("group", name)
    transaction.put(objtype, name, whole)


def whole_of(transaction: Transaction, objtype: str, name: str) -> Values:
    """Return an object as it is stored, a group with its members; {} if there is none.

    A new node begins with the table rows that were written for its name before it existed.
    """
    values = transaction.get(objtype, name)
    if objtype == "group" and not is_dynamic(values):
        members = transaction.members(name)
        return {**(values or {}), **({"members": ",".join(members)} if members else {})}
    if objtype == "node" and values is None:
        return _lone_rows(transaction, name)
    return values or {}


def _lone_rows(transaction: Transaction, name: str) -> Values:
    """Return the table rows that are stored for a name that is not a group."""
    values = transaction.get("group", name)
    if values is None or "grouptype" in values or transaction.members(name):
        return {}
    return values


def exists(transaction: Transaction, objtype: str, name: str) -> bool:
    """Tell whether an object exists. A group exists if it was made, or if a node names it."""
    values = transaction.get(objtype, name)
    if objtype != "group" or (values is not None and "grouptype" in values):
        return values is not None
    return bool(transaction.members(name))


def remove(transaction: Transaction, objtype: str, name: str) -> bool:
    """Remove an object, and a group also from the lists of its members. Return whether it existed."""
    found = exists(transaction, objtype, name)
    if found:
        if objtype == "group":
            set_members(transaction, name, "")
        transaction.delete(objtype, name)
    return found


def rename(transaction: Transaction, objtype: str, old: str, new: str) -> None:
    """Rename an object, and a group also in the lists of its members. Raises DefinitionError if the name is taken."""
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
    """Read at once what the changes of many objects would read one by one."""
    wanted = list(names)
    transaction.get_many(objtype, wanted)
    if objtype == "node":
        groups = {group for values in given for group in values.get("groups", "").split(",")}
        transaction.get_many("group", [*wanted, *groups])


def _settled(objtype: str, whole: Values) -> Values:
    """Return the values. Columns that were set in tables before an attribute showed them move to that attribute."""
    if not any("." in key for key in whole):
        return whole
    # Imported only here, so that an ordinary change starts fast.
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
    """Make the nodes in a comma list the members of a group. Raises NotFoundError if one is not a node."""
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
