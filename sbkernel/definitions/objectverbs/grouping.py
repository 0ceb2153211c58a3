"""What mkdef and chdef do with a group: its members by noderange or by conditions, or the conditions themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sbkernel.definitions.objectverbs.outcome import Said, errors, warnings
from sbkernel.definitions.select import JOIN, Condition, chosen
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.errors import DefinitionError, SbkernelError

Nodes = Callable[[], Mapping[str, Mapping[str, str]]]
"""All nodes, with what their groups lend them. Called only if conditions must be tested."""


class NoConditionsError(DefinitionError):
    """A dynamic group has no conditions."""


class MemberChoice(NamedTuple):
    """How the members of groups were given."""

    dynamic: bool = False
    where: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


class Grouping(NamedTuple):
    """The new attributes of a group, and its members as a list, or None if none were given."""

    values: Values
    members: list[str] | None
    said: tuple[Said, ...]


def dynamic_values(name: str, given: Values, how: MemberChoice) -> Values:
    """Return the attributes of a new dynamic group. Raises DefinitionError if it has others, or no conditions."""
    refuse_attributes(name, given)
    wherevals = given.get("wherevals") or JOIN.join(how.where)
    if not wherevals:
        raise NoConditionsError(f"The 'where' attributes and values were not provided for dynamic group '{name}'.")
    return {"grouptype": "dynamic", "wherevals": wherevals}


def refuse_attributes(name: str, given: Mapping[str, str]) -> None:
    """Raise DefinitionError if a dynamic group is given attributes.

    A stanza with its grouptype may have its members, as lsdef -z writes them. They are ignored.
    """
    stanza = {"grouptype", "members"} if "grouptype" in given else set()
    if given.keys() - {"wherevals"} - stanza:
        raise DefinitionError(f"Can not assign attributes to dynamic node group '{name}'.")


def static(
    transaction: Transaction, given: Values, how: MemberChoice, expand: Callable[[str], list[str]], nodes: Nodes
) -> Grouping:
    """Find the members of a static group. Names that are not nodes are reported and left out."""
    members, values = given.get("members", ""), {key: value for key, value in given.items() if key != "members"}
    if how.where and members:
        raise DefinitionError("Cannot use a list of members together with the '-w' option.")
    if how.where:
        return Grouping(values, chosen(how.conditions, nodes()), ())
    if not members:
        return Grouping(values, None, ())
    names = expand(members)
    known = transaction.get_many("node", names)
    unknown = [name for name in names if name not in known]
    texts = (f"Could not find a node named '{name}', skipping to the next node." for name in unknown)
    return Grouping(values, [name for name in names if name in known], errors(*texts))


def failed(error: SbkernelError) -> tuple[Said, ...]:
    """Return the messages for an object, perhaps a group, that cannot be made or changed."""
    return errors(error, "Skipping to the next group.") if isinstance(error, NoConditionsError) else errors(error)


def no_members(name: str) -> tuple[Said, ...]:
    """Return the message for a new group without members."""
    return warnings(f"Cannot determine a member list for group '{name}'.")
