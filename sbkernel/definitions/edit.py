"""What mkdef and chdef make of `attr=value` words, one object at a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions.store import Values
from sbkernel.errors import DefinitionError


class Edited(NamedTuple):
    """Attributes to change, and what could not be done."""

    changes: Values
    problems: tuple[str, ...] = ()


def pairs(words: Sequence[str]) -> Values:
    """Read attr=value words; DefinitionError for one without a name or `=`."""
    for word in words:
        if not word.partition("=")[1] or word.startswith("="):
            raise DefinitionError(f"Incorrect 'attr=val' pair - {word}")
    return dict(word.split("=", 1) for word in words)


def replace(_name: str, _before: Mapping[str, str], given: Mapping[str, str]) -> Edited:
    """Set every attribute to the value given; an empty one clears it."""
    return Edited(dict(given))


def plus(_name: str, before: Mapping[str, str], given: Mapping[str, str]) -> Edited:
    """Append to comma lists what they do not have yet (chdef -p)."""
    return Edited({key: ",".join(_unique(_items(before.get(key, "")) + _items(value))) for key, value in given.items()})


def minus(name: str, before: Mapping[str, str], given: Mapping[str, str]) -> Edited:
    """Remove items from comma lists; an item that is not there is a problem (chdef -m)."""
    changes: Values = {}
    problems: list[str] = []
    for key, value in given.items():
        items = _items(before.get(key, ""))
        if not items:
            problems.append(f"No value got for attribute '{key}' for the '{name}' definition.")
            continue
        absent = [item for item in _items(value) if item not in items]
        problems += [f"{item} is not in the attribute of '{key}' for the '{name}' definition." for item in absent]
        left = [item for item in items if item not in _items(value)]
        if left != items:
            changes[key] = ",".join(left)
    return Edited(changes, tuple(problems))


def _items(value: str) -> list[str]:
    return [item for item in value.split(",") if item]


def _unique(items: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(items))
