"""Dynamic groups: their members are the nodes of which all conditions in wherevals hold (xCAT: mkdef -d -w). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sbkernel.definitions import select
from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.select import Condition
from sbkernel.errors import DefinitionError

JOIN = "::"
"""Stands between the conditions in wherevals."""


def is_dynamic(group: Mapping[str, str] | None) -> bool:
    """Say whether a group's members are computed."""
    return group is not None and group.get("grouptype") == "dynamic"


def conditions_of(group: Mapping[str, str]) -> tuple[Condition, ...]:
    """Return the conditions of a dynamic group; () when there is none that can be read: it has no members then."""
    texts = [text for text in group.get("wherevals", "").split(JOIN) if text]
    try:
        return select.parse(texts)
    except DefinitionError:
        return ()


def chosen(conditions: Sequence[Condition], nodes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the nodes of which all conditions hold; `node` stands for the name."""
    if not conditions:
        return []
    return [name for name, values in nodes.items() if select.holds(conditions, values, node=name)]


def check(conditions: Sequence[Condition]) -> None:
    """Refuse a condition on what is no attribute of a node."""
    table = attributes_of("node")
    for one in conditions:
        if one.attribute != "node" and one.attribute.partition(".")[0] not in table:
            raise DefinitionError(
                f"Incorrect attribute '{one.attribute}' in the selection string specified with -w flag."
            )
