"""Make one object, as xCAT's mkdef does. If anything is wrong with it, nothing of it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sbkernel.definitions import objects
from sbkernel.definitions.objectverbs import grouping
from sbkernel.definitions.objectverbs.grouping import MemberChoice
from sbkernel.definitions.objectverbs.newvalues import binding, check_new, without_defaults
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome, Said, errors, warnings
from sbkernel.definitions.select import is_dynamic
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import check_name
from sbkernel.errors import SbkernelError


class Context(NamedTuple):
    """What making and altering an object needs besides the object."""

    expand: Callable[[str], list[str]]
    """Expands a noderange to names."""
    nodes: grouping.Nodes
    fill: Callable[[Mapping[str, str]], Values] | None = None
    """Adds the defaults of an osimage (-u)."""
    defaults: Mapping[str, str] = {}
    """The scripts that every node runs (xcatdefaults)."""
    chosen: MemberChoice = MemberChoice()
    from_file: bool = False
    """Objects come from a listing: a group without grouptype is one that only nodes name."""


def make(transaction: Transaction, one: Stanza, context: Context, *, there: bool, force: bool = False) -> ObjectOutcome:
    """Make an object. One that was `there` before is replaced with `force`, else left as it is.

    A group that was not there may exist by now, because nodes made before it name it.
    """
    try:
        check_name(one.objtype, one.name)
        if there and one.objtype == "network":
            return _failed(one, errors(_network_exists(one.name)))
        if there and not force:
            return ObjectOutcome(one.name, said=warnings(_exists(one.name)))
        return _make(transaction, one, context, there)
    except SbkernelError as error:
        return _failed(one, grouping.failed(error))


def _make(transaction: Transaction, one: Stanza, context: Context, there: bool) -> ObjectOutcome:
    check_new(transaction, one.objtype, one.name, one.values)
    values, said = _prepared(transaction, one, context, there)
    values, twice = without_defaults(one.name, values, context.defaults)
    # The settings of a site stay: replacing them by one setting would lose the others.
    before: Values | None = None if one.objtype == "site" or not there else {}
    drafted = objects.draft(transaction, one.objtype, one.name, values, before)
    if faults := binding(drafted, from_file=context.from_file):
        return _failed(one, errors(*faults.values()))
    objects.write(transaction, drafted)
    return ObjectOutcome(one.name, done=True, created=not there, said=said + warnings(*twice))


def _prepared(transaction: Transaction, one: Stanza, context: Context, there: bool) -> tuple[Values, tuple[Said, ...]]:
    if one.objtype == "group":
        return _group(transaction, one, context, there)
    if one.objtype == "osimage" and context.fill is not None:
        return context.fill(one.values), ()
    return {key: value for key, value in one.values.items() if value}, ()


def _group(transaction: Transaction, one: Stanza, context: Context, there: bool) -> tuple[Values, tuple[Said, ...]]:
    if context.chosen.dynamic or is_dynamic(one.values):
        return grouping.dynamic_values(one.name, one.values, context.chosen), ()
    found = grouping.static(transaction, one.values, context.chosen, context.expand, context.nodes)
    said = grouping.no_members(one.name) if found.members is None else found.said
    named = transaction.members(one.name)
    only_named = bool(named) and "grouptype" not in (transaction.get("group", one.name) or {})
    made = {} if only_named and (context.from_file or not there) else {"grouptype": "static"}
    return {**made, **found.values, "members": ",".join(dict.fromkeys([*named, *(found.members or [])]))}, said


def _failed(one: Stanza, said: tuple[Said, ...]) -> ObjectOutcome:
    return ObjectOutcome(one.name, failed=True, said=said)


def _exists(name: str) -> str:
    return (
        f"A definition for '{name}' already exists. No changes will be made.  "
        "Run again with '-f' option to force replace."
    )


def _network_exists(name: str) -> str:
    return f"A network definition called '{name}' already exists. Cannot create a definition for '{name}'."
