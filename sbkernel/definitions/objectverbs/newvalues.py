"""What mkdef and chdef do with `attr=value` words for one object, and what an object must have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.attributes import attribute_of
from sbkernel.definitions.objects import Draft
from sbkernel.definitions.store.interface import Transaction, Values
from sbkernel.definitions.validate import NeedsError
from sbkernel.errors import DefinitionError

SKIPPING = "Skipping to the next attribute."
CAPITALS = "contains capital letters which may not be resolved correctly by the dns server."


class NewValues(NamedTuple):
    """The attributes to change, and what could not be done."""

    changes: Values
    problems: tuple[str, ...] = ()


def pairs(words: Sequence[str]) -> Values:
    """Read attr=value words. Raises DefinitionError for one without a name or `=`."""
    for word in words:
        if not word.partition("=")[1] or not word.partition("=")[0].strip():
            raise DefinitionError(f"Incorrect 'attr=val' pair - {word}")
    split = (word.partition("=") for word in words)
    return {name.strip(): value.lstrip() for name, _, value in split}


def known(objtype: str, given: Mapping[str, str]) -> tuple[Values, list[DefinitionError]]:
    """Return the attributes that the type has, and an error for each that it does not have."""
    right: Values = {}
    wrong: list[DefinitionError] = []
    for key, value in given.items():
        try:
            attribute_of(objtype, key)
        except DefinitionError as error:
            wrong.append(error)
        else:
            right[key] = value
    return right, wrong


def replace(_name: str, _before: Mapping[str, str], given: Mapping[str, str]) -> NewValues:
    """Set every attribute to its new value. An empty value clears it."""
    return NewValues(dict(given))


def plus(_name: str, before: Mapping[str, str], given: Mapping[str, str], delimiter: str = ",") -> NewValues:
    """Append to lists the items that they lack (chdef -p)."""
    changes = {}
    for key, value in given.items():
        items = _items(before.get(key, ""), delimiter) + _items(value, delimiter)
        changes[key] = delimiter.join(dict.fromkeys(items))
    return NewValues(changes)


def append(_name: str, before: Mapping[str, str], given: Mapping[str, str]) -> NewValues:
    """Append values with a comma, even twice: settings of the site are not lists (chdef -t site -p)."""
    return NewValues({key: ",".join(filter(None, (before.get(key, ""), value))) for key, value in given.items()})


def minus(name: str, before: Mapping[str, str], given: Mapping[str, str], delimiter: str = ",") -> NewValues:
    """Remove items from lists (chdef -m). A list that lacks an item is not changed, and that is a problem."""
    changes: Values = {}
    problems: list[str] = []
    for key, value in given.items():
        items, gone = _items(before.get(key, ""), delimiter), _items(value, delimiter)
        absent = [item for item in gone if item not in items]
        if not items:
            problems.append(f"No value got for attribute '{key}' for the '{name}' definition.")
        elif absent:
            problems += [f"{item} is not in the attribute of '{key}' for the '{name}' definition." for item in absent]
        else:
            changes[key] = delimiter.join(item for item in items if item not in gone)
    return NewValues(changes, tuple(problems))


def joined_by(
    editor: Callable[[str, Mapping[str, str], Mapping[str, str]], NewValues], delimiter: str
) -> Callable[[str, Mapping[str, str], Mapping[str, str]], NewValues]:
    """Return an editor for lists with another delimiter than commas."""
    if editor not in (plus, minus):
        return editor
    return lambda name, before, given: (plus if editor is plus else minus)(name, before, given, delimiter)


def _items(value: str, delimiter: str) -> list[str]:
    return [item for item in value.split(delimiter) if item]


def check_new(transaction: Transaction, objtype: str, name: str, values: Mapping[str, str]) -> None:
    """Refuse a node without groups, and a network that is incomplete or exists under another name."""
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
    """Return the faults that count. A group in a listing may have attributes whose mgt comes from another group."""
    if not (from_file and drafted.objtype == "group"):
        return drafted.faults
    return {key: fault for key, fault in drafted.faults.items() if not isinstance(fault, NeedsError)}


def without_defaults(name: str, values: Values, defaults: Mapping[str, str]) -> tuple[Values, list[str]]:
    """Return attributes without the scripts that every node runs anyway, and a sentence for each script left out."""
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
