"""Conditions on attributes, as after -w: attr==value, !=, =~regex, !~. Pure.

The conditions that choose the members of a dynamic group are stored in wherevals (xCAT: mkdef -d -w).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.attributes import attributes_of
from sbkernel.errors import DefinitionError

_SYNTAX = re.compile(r"\s*([^=!~\s]+)\s*(==|=~|!=|!~|=)(.*)", re.DOTALL)
JOIN = "::"
"""The separator between the conditions in wherevals."""


class Condition(NamedTuple):
    """One condition on one attribute."""

    attribute: str
    operator: str
    value: str

    def holds(self, values: Mapping[str, str]) -> bool:
        """Tell whether it holds for an object. It never does if the object lacks the attribute, as in xCAT."""
        if self.attribute not in values:
            return False
        if self.operator.endswith("~"):
            from sbkernel.definitions.regex import compiled

            hit = compiled(self.value).search(values[self.attribute]) is not None
        else:
            hit = self.value == values[self.attribute]
        return hit is not self.operator.startswith("!")


def parse(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Read selection strings. A second one for the same attribute replaces the first, as in xCAT."""
    conditions = {condition.attribute: condition for condition in map(_parse, texts)}
    return tuple(conditions.values())


def _parse(text: str) -> Condition:
    match = _SYNTAX.fullmatch(text)
    if match is None:
        raise DefinitionError(
            "Incorrect selection string specified with -w flag.",
            hint=f"'{text}' is not such as attr==value, attr=~regex",
        )
    attribute, operator, value = match[1], match[2], match[3].strip()
    if not operator.endswith("~"):
        return Condition(attribute, "==" if operator == "=" else operator, value)
    return Condition(attribute, operator, _regex(value))


def _regex(value: str) -> str:
    from sbkernel.definitions.regex import compiled

    bare = value[1:-1] if len(value) > 1 and value[0] == value[-1] == "/" else value
    try:
        compiled(bare)
    except DefinitionError as error:
        message = "Incorrect selection string specified with -w flag."
        raise DefinitionError(message, hint=error.message) from None
    return bare


def holds(conditions: Sequence[Condition], values: Mapping[str, str], /, **names: str) -> bool:
    """Tell whether all conditions hold for an object. `names` is its name by the key of its type, such as node."""
    return all(condition.holds(names if condition.attribute in names else values) for condition in conditions)


def is_dynamic(group: Mapping[str, str] | None) -> bool:
    """Tell whether a group's members are computed."""
    return group is not None and group.get("grouptype") == "dynamic"


def conditions_of(group: Mapping[str, str]) -> tuple[Condition, ...]:
    """Return the conditions of a dynamic group; () if they cannot be read, and then it has no members."""
    texts = [text for text in group.get("wherevals", "").split(JOIN) if text]
    try:
        return parse(texts)
    except DefinitionError:
        return ()


def chosen(conditions: Sequence[Condition], nodes: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the nodes for which all conditions hold. In a condition, `node` is the name."""
    if not conditions:
        return []
    return [name for name, values in nodes.items() if holds(conditions, values, node=name)]


def check(conditions: Sequence[Condition]) -> None:
    """Refuse a condition on something that is not an attribute of nodes."""
    table = attributes_of("node")
    for one in conditions:
        if one.attribute != "node" and one.attribute.partition(".")[0] not in table:
            raise DefinitionError(
                f"Incorrect attribute '{one.attribute}' in the selection string specified with -w flag."
            )
