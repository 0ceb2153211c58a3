"""What people see of a node: its own attributes, those that its groups lend it, and what is computed from its name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from sbkernel.definitions import nics, select
from sbkernel.definitions.definition import Attributes
from sbkernel.definitions.store.interface import Values
from sbkernel.errors import DefinitionError

_GROUP_OWN = frozenset({"grouptype", "members", "wherevals", "membergroups", "usercomment", "groups"})
_MARKS = ("|", "/")
"""The first character of a value that may be computed."""

Groups = Mapping[str, Mapping[str, str]]
"""Groups by name, as they are stored."""


def inherit(own: Mapping[str, str], groups: Groups) -> Values:
    """Return a node's attributes with those that its groups lend. The first group wins; dynamic groups lend nothing."""
    whole = dict(_enabled(own))
    for group in _split(own):
        for key, value in _lent(groups[group]).items() if group in groups else ():
            if key not in _GROUP_OWN:
                whole.setdefault(key, value)
    return whole


def lender(own: Mapping[str, str], groups: Groups, attribute: str) -> str:
    """Return the group that lends an attribute to a node; "" if it is the node's own or unset."""
    if attribute in own or attribute in _GROUP_OWN:
        return ""
    return next((group for group in _split(own) if attribute in _lent(groups.get(group, {}))), "")


def nodes_as_seen(own: Mapping[str, Mapping[str, str]], groups: Groups) -> dict[str, Attributes]:
    """Return nodes as people see them, from what is stored for them and for their groups."""
    return {name: as_seen(name, values, groups) for name, values in own.items()}


def as_seen(node: str, own: Mapping[str, str], groups: Groups) -> Attributes:
    """Return a node as people see it: with what it inherits, computed, and with `nicips.eth0` for each interface."""
    values, faults = computed(node, own, groups)
    # Most nodes have no interfaces of their own: there is nothing to spread then, and nothing that only tables show.
    if not faults and not _has_more(tuple(values)):
        return Attributes("node", values)
    spread, faults = nics.spread(without_columns(values)), {key: faults[key] for key in faults if _is_shown(key)}
    of_nics = {key: value for key, value in spread.items() if value[:1] in _MARKS and nics.is_word(key)}
    if of_nics:
        again, wrong = _computed(node, of_nics, lambda key: lender(own, groups, key.partition(".")[0]))
        spread = {key: value for key, value in spread.items() if key not in of_nics} | again
        faults = {**faults, **wrong}
    return Attributes("node", spread, faults)


@functools.lru_cache(256)
def _has_more(names: tuple[str, ...]) -> bool:
    """Tell whether attributes have to be spread, or are columns of tables."""
    return any("." in key or key.startswith("nic") for key in names)


def computed(node: str, own: Mapping[str, str], groups: Groups) -> tuple[Values, Mapping[str, DefinitionError]]:
    """Return the values of a node, also inherited ones and columns of tables alone, and what cannot be computed."""
    return _computed(node, inherit(own, groups), lambda key: lender(own, groups, key))


def _computed(node: str, whole: Values, lent_by: Callable[[str], str]) -> tuple[Values, Mapping[str, DefinitionError]]:
    # One look at all values is enough for most nodes; a value may have a line that begins so, and be none of these.
    lines = "\n".join(("", *whole.values()))
    if ("\n|" not in lines and "\n/" not in lines) or not any(value[:1] in _MARKS for value in whole.values()):
        return whole, {}
    # Imported only here: most listings have nothing to compute.
    from sbkernel.definitions.computed.compute import compute

    return compute(node, whole, lent_by)


def without_columns(values: Mapping[str, str]) -> Values:
    """Leave out `table.column`: a column that no attribute shows is stored with the object, but only tables show it."""
    return {key: value for key, value in values.items() if _is_shown(key)}


def _is_shown(key: str) -> bool:
    return "." not in key or nics.is_word(key) or key.startswith("passwd.")


def _lent(group: Mapping[str, str]) -> Mapping[str, str]:
    lent = _enabled(group)
    return {} if select.is_dynamic(lent) else lent


def _enabled(values: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out the attributes in disabled rows (column `disable`, which only tables show)."""
    if ".disable" not in " ".join(values):
        return values
    from sbkernel.definitions.xcattables.columns import enabled

    return enabled("node", values)


def _split(values: Mapping[str, str]) -> list[str]:
    return [group for group in values.get("groups", "").split(",") if group]
