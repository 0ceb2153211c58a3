"""Change or create one object, as xCAT's chdef does. An error in one attribute does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sbkernel.definitions import objects
from sbkernel.definitions.attributes import is_secret
from sbkernel.definitions.objectverbs import grouping, newvalues
from sbkernel.definitions.objectverbs.make import Context
from sbkernel.definitions.objectverbs.newvalues import NewValues, binding, check_network, check_new, without_defaults
from sbkernel.definitions.objectverbs.outcome import ObjectOutcome, Said, errors, warnings
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.select import JOIN, is_dynamic
from sbkernel.definitions.stanza import Stanza
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import NeedsError, check_name
from sbkernel.errors import DefinitionError, SbkernelError

ListEditor = Callable[[str, Mapping[str, str], Mapping[str, str]], NewValues]
_NAMING = ("imagetype", "provmethod", "profile", "osname", "osvers", "osarch")


def alter(transaction: Transaction, one: Stanza, editor: ListEditor, context: Context) -> ObjectOutcome:
    """Change an object, or create it if it does not exist."""
    try:
        check_name(one.objtype, one.name)
    except DefinitionError as error:
        return ObjectOutcome(one.name, said=errors(error))
    try:
        return _alter(transaction, one, editor, context)
    except SbkernelError as error:
        return ObjectOutcome(one.name, failed=True, said=grouping.failed(error))


def _alter(transaction: Transaction, one: Stanza, editor: ListEditor, context: Context) -> ObjectOutcome:
    created = not objects.exists(transaction, one.objtype, one.name)
    before = objects.whole_of(transaction, one.objtype, one.name)
    if created:
        check_new(transaction, one.objtype, one.name, one.values)
        if editor is newvalues.minus:
            raise DefinitionError(f"The '-m' option is not valid since the '{one.name}' definition does not exist.")
    changes, said = _changes(transaction, one, editor, context, before)
    if one.objtype == "network" and not created:
        check_network(transaction, one.name, {**before, **changes})
    wanted, twice = without_defaults(one.name, changes, context.defaults)
    drafted = objects.draft(transaction, one.objtype, one.name, wanted)
    faults = binding(drafted, from_file=context.from_file)
    right = {key: value for key, value in wanted.items() if key not in faults}
    if right and not any(isinstance(fault, NeedsError) for fault in faults.values()):
        objects.write(transaction, objects.draft(transaction, one.objtype, one.name, right))
    else:
        right = {}
    done = bool(right)
    return ObjectOutcome(one.name, done, done and created, bool(faults), said + warnings(*twice) + _of_faults(faults))


def _of_faults(faults: Mapping[str, DefinitionError]) -> tuple[Said, ...]:
    said: tuple[Said, ...] = ()
    for fault in faults.values():
        said += errors(fault) if isinstance(fault, NeedsError) else errors(fault, newvalues.SKIPPING)
    return said


def _changes(
    transaction: Transaction, one: Stanza, editor: ListEditor, context: Context, before: Values
) -> tuple[Values, tuple[Said, ...]]:
    if one.objtype == "group":
        return _of_group(transaction, one, editor, context, before)
    given = one.values
    if one.objtype == "osimage" and context.fill is not None:
        given = context.fill({**{key: before[key] for key in _NAMING if key in before}, **given})
    if one.objtype == "site" and editor is newvalues.plus:
        editor = newvalues.append
    changes, problems = editor(one.name, before, given)
    return changes, errors(*(_concealed(one, problem) for problem in problems))


def _concealed(one: Stanza, problem: str) -> str:
    """Hide secrets in a message: chdef -m quotes what it cannot remove."""
    for key in filter(lambda key: is_secret(one.objtype, key), one.values):
        for item in filter(None, one.values[key].split(",")):
            problem = problem.replace(item, HIDDEN)
    return problem


def _of_group(
    transaction: Transaction, one: Stanza, editor: ListEditor, context: Context, before: Values
) -> tuple[Values, tuple[Said, ...]]:
    if is_dynamic(before) or context.chosen.dynamic or is_dynamic(one.values):
        return _of_dynamic(one, editor, context, before)
    found = grouping.static(transaction, one.values, context.chosen, context.expand, context.nodes)
    changes, problems = editor(one.name, before, found.values)
    if context.chosen.where:
        changes["wherevals"] = JOIN.join(context.chosen.where)
    if found.members is not None:
        now = [node for node in before.get("members", "").split(",") if node]
        changes["members"], strangers = _members(one.name, editor, now, found.members)
        problems += strangers
    elif "members" in one.values and "members" in before:
        changes["members"] = before["members"]
    elif not before:
        changes["grouptype"] = "static"
    return changes, found.said + errors(*problems)


def _members(group: str, editor: ListEditor, now: list[str], given: list[str]) -> tuple[str, tuple[str, ...]]:
    if editor is newvalues.minus:
        strangers = tuple(f"{node} is not a member of '{group}'." for node in given if node not in now)
        return ",".join(node for node in now if node not in given), strangers
    return ",".join(dict.fromkeys([*now, *given] if editor is newvalues.plus else given)), ()


def _of_dynamic(one: Stanza, editor: ListEditor, context: Context, before: Values) -> tuple[Values, tuple[Said, ...]]:
    if not is_dynamic(before):
        return grouping.dynamic_values(one.name, one.values, context.chosen), ()
    where = one.values.get("wherevals") or JOIN.join(context.chosen.where)
    grouping.refuse_attributes(one.name, one.values)
    changes, problems = newvalues.joined_by(editor, JOIN)(one.name, before, {"wherevals": where} if where else {})
    return changes, errors(*problems)
