"""What mkdef and chdef make of `attr=value` words, one object at a time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.attributes import attribute_of
from sbkernel.definitions.store.interface import Values
from sbkernel.errors import DefinitionError

SKIPPING = "Skipping to the next attribute."


class Edited(NamedTuple):
    """Attributes to change, and what could not be done."""

    changes: Values
    problems: tuple[str, ...] = ()


def pairs(words: Sequence[str]) -> Values:
    """Read attr=value words; DefinitionError for one without a name or `=`."""
    for word in words:
        if not word.partition("=")[1] or not word.partition("=")[0].strip():
            raise DefinitionError(f"Incorrect 'attr=val' pair - {word}")
    split = (word.partition("=") for word in words)
    return {name.strip(): value.lstrip() for name, _, value in split}


def known(objtype: str, given: Mapping[str, str]) -> tuple[Values, list[DefinitionError]]:
    """Return the attributes that the type has, and an error for each that it has not."""
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


def replace(_name: str, _before: Mapping[str, str], given: Mapping[str, str]) -> Edited:
    """Set every attribute to the value given; an empty one clears it."""
    return Edited(dict(given))


def plus(_name: str, before: Mapping[str, str], given: Mapping[str, str], delimiter: str = ",") -> Edited:
    """Append to lists what they do not have yet (chdef -p)."""
    changes = {}
    for key, value in given.items():
        items = _items(before.get(key, ""), delimiter) + _items(value, delimiter)
        changes[key] = delimiter.join(dict.fromkeys(items))
    return Edited(changes)


def append(_name: str, before: Mapping[str, str], given: Mapping[str, str]) -> Edited:
    """Append values with a comma, what is there already too: settings of the site know no items (chdef -t site -p)."""
    return Edited({key: ",".join(filter(None, (before.get(key, ""), value))) for key, value in given.items()})


def minus(name: str, before: Mapping[str, str], given: Mapping[str, str], delimiter: str = ",") -> Edited:
    """Remove items from lists; a list that lacks one of them stays as it is, which is a problem (chdef -m)."""
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
    return Edited(changes, tuple(problems))


def joined_by(
    editor: Callable[[str, Mapping[str, str], Mapping[str, str]], Edited], delimiter: str
) -> Callable[[str, Mapping[str, str], Mapping[str, str]], Edited]:
    """Return an editor of lists whose items stand between other delimiters than commas."""
    if editor not in (plus, minus):
        return editor
    return lambda name, before, given: (plus if editor is plus else minus)(name, before, given, delimiter)


def _items(value: str, delimiter: str) -> list[str]:
    return [item for item in value.split(delimiter) if item]
