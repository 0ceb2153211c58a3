"""What an object has to have before it is created, and what only one object may have (xCAT: mkdef, chdef)."""

from __future__ import annotations

from collections.abc import Mapping

from sbkernel.definitions.change import Draft
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import NeedsError
from sbkernel.errors import DefinitionError

CAPITALS = "contains capital letters which may not be resolved correctly by the dns server."


def check_new(transaction: Transaction, objtype: str, name: str, values: Mapping[str, str]) -> None:
    """Refuse a node without groups, and a network that is incomplete or there already under another name."""
    if objtype == "node" and not values.get("groups"):
        raise DefinitionError(f"Attribute 'groups' is not specified for node '{name}', skipping to the next node.")
    if objtype == "network":
        if not (values.get("net") and values.get("mask")):
            raise DefinitionError(f"Net or mask value should not be empty for xCAT network object '{name}'.")
        check_network(transaction, name, values)


def check_network(transaction: Transaction, name: str, values: Mapping[str, str]) -> None:
    """Refuse the net and mask of another network."""
    wanted = (values.get("net"), values.get("mask"))
    for other, has in transaction.objects("network").items():
        if other != name and (has.get("net"), has.get("mask")) == wanted:
            raise DefinitionError(
                f"A network definition called '{other}' already exists that contains the same net and mask values. "
                f"Cannot create a definition for '{name}'."
            )


def binding(drafted: Draft, *, from_file: bool) -> dict[str, DefinitionError]:
    """Return the faults that count: a group of a listing may have what needs the mgt that another group lends."""
    if not (from_file and drafted.objtype == "group"):
        return drafted.faults
    return {key: fault for key, fault in drafted.faults.items() if not isinstance(fault, NeedsError)}


def without_defaults(name: str, values: Values, defaults: Mapping[str, str]) -> tuple[Values, list[str]]:
    """Return attributes without the scripts that every node runs anyway, and a sentence on each that was left out."""
    keys = [key for key in ("postscripts", "postbootscripts") if key in values]
    if not keys:
        return values, []
    kept, said = dict(values), []
    for key in keys:
        every = defaults.get(key, "").split(",")
        scripts = [script for script in values.get(key, "").split(",") if script]
        twice = [script for script in scripts if script in every]
        said += [f"{name}: {key} '{script}' is already included in the 'xcatdefaults'." for script in twice]
        if twice:
            kept[key] = ",".join(script for script in scripts if script not in every)
    return kept, said
