"""Compute the attributes of a node. An attribute that cannot be computed becomes a fault that names its row. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.computed.expression import evaluate
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.store.interface import Values
from sbkernel.definitions.tables.attribute import Attribute, is_expression
from sbkernel.definitions.validate import check_plain
from sbkernel.errors import DefinitionError


class Computed(NamedTuple):
    """The attributes of a node with their values. Attributes that come out blank are left out."""

    values: Values
    faults: dict[str, DefinitionError]
    """What could not be computed, and why."""


def compute(node: str, whole: Mapping[str, str], lender: Callable[[str], str]) -> Computed:
    """Compute the expressions among the attributes of a node. `lender` returns the group that lends one, or ""."""
    found = Computed({}, {})
    table = attributes_of("node")
    for key, value in whole.items():
        known = table.get(key) or table.get(key.partition(".")[0])
        try:
            text = _value(known, key, value, node)
        except DefinitionError as error:
            secret = known is not None and known.secret
            found.faults[key] = _fault(node, key, lender(key), value, None if secret else error)
        else:
            found.values.update({key: text} if text else {})
    return found


def _value(known: Attribute | None, key: str, value: str, node: str) -> str:
    """Return the result of an expression, or the value itself if it is not one."""
    if not (is_expression(value) if known is None else known.computes(value)):
        return value
    try:
        text = evaluate(value, node)
        if text and known is not None:
            check_plain(known, key, text, node)
    except DefinitionError:
        if key.endswith(".comments") or (known is not None and known.is_comment):
            return value
        raise
    return text


def _fault(node: str, key: str, group: str, value: str, error: DefinitionError | None) -> DefinitionError:
    """Return an error that names the row. If the value is secret, it shows neither the value nor the reason."""
    row = f"{key} of group {group}" if group else key
    message = f"{node}: {row} cannot be computed"
    if error is None:
        return DefinitionError(message, hint=f"The value is {HIDDEN}.")
    return DefinitionError(f"{message}: {error.message.removeprefix(f'{node}: ')}", hint=f"The value is {value}")
