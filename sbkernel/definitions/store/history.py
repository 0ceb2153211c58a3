"""Undo a change set: put every object back as it was before, unless somebody has changed it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from sbkernel.definitions.attributes import SITE
from sbkernel.definitions.editing.overview import entries
from sbkernel.definitions.store.interface import Store, Values
from sbkernel.definitions.store.journal import Change, Entry, steady
from sbkernel.errors import DefinitionError, NotFoundError

_SAID = 5


class Undone(NamedTuple):
    """What undoing a change set does, or did, to every object."""

    change: Change
    entries: list[Entry]

    def __repr__(self) -> str:
        return "\n".join([f"change {self.change.id} ({self.change.what}) is undone", *entries(self.entries)])


class _Reader(Protocol):
    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]: ...


def change_of(store: Store, number: int | None = None) -> Change:
    """Return a change set by its number, else the last; NotFoundError when there is none."""
    found = store.changes(number=number) if number else store.changes(last=1)
    if not found:
        raise NotFoundError(f"there is no change {number}" if number else "nothing has been changed yet", hint=_HINT)
    return found[0]


def plan(store: Store, number: int | None = None, *, force: bool = False) -> Undone:
    """Say what `undo` would do; the same errors."""
    change = change_of(store, number)
    return _plan(store, store, change, force=force)


def undo(store: Store, number: int | None = None, *, force: bool = False) -> Undone:
    """Undo a change set, else the last, in a change set of its own: undoing that brings everything back.

    DefinitionError when an object has been changed since; with `force`, the attributes that the change set changed
    go back all the same, and others stay. What the running system writes, such as status, always stays.
    """
    change = change_of(store, number)
    with store.write(f"undo {change.id}") as transaction:
        undone = _plan(store, transaction, change, force=force)
        for entry in undone.entries:
            if entry.after is None:
                transaction.delete(entry.objtype, entry.name)
            else:
                transaction.put(entry.objtype, entry.name, entry.after)
    return undone


_HINT = "sb history lists what was changed."


def _plan(store: Store, reader: _Reader, change: Change, *, force: bool) -> Undone:
    entries = store.entries(change.id)
    if any((one.objtype, one.name, one.before) == ("site", SITE, None) for one in entries):
        raise DefinitionError(f"change {change.id} made the site; it cannot be undone", hint=_HINT)
    now = _read(reader, entries)
    late = [one for one in entries if not _as_left(one, now.get((one.objtype, one.name)))]
    if late and not force:
        raise DefinitionError(_refusal(change, late), hint="--force undoes it all the same; sb history NAME shows how.")
    planned = [_back(one, now.get((one.objtype, one.name))) for one in entries]
    return Undone(change, [one for one in planned if one.before != one.after])


def _read(reader: _Reader, entries: Sequence[Entry]) -> dict[tuple[str, str], Values]:
    now: dict[tuple[str, str], Values] = {}
    for objtype in {one.objtype for one in entries}:
        found = reader.get_many(objtype, [one.name for one in entries if one.objtype == objtype])
        now |= {(objtype, name): values for name, values in found.items()}
    return now


def _as_left(entry: Entry, now: Values | None) -> bool:
    """Say whether an object still is what the change made of it."""
    if entry.after is None or now is None:
        return entry.after is now
    return steady(entry.objtype, entry.after) == steady(entry.objtype, now)


def _refusal(change: Change, late: Sequence[Entry]) -> str:
    names = [f"{one.objtype} {one.name}" for one in late[:_SAID]]
    more = f" and {len(late) - _SAID} more" if len(late) > _SAID else ""
    return f"change {change.id} cannot be undone: {', '.join(names)}{more} changed since"


def _back(entry: Entry, now: Values | None) -> Entry:
    """Return the object as it is now, and as it will be: what the change set changed is as it was before."""
    if entry.before is None or now is None:
        return Entry(entry.objtype, entry.name, now, entry.before)
    keys = _changed(steady(entry.objtype, entry.before), steady(entry.objtype, entry.after or {}))
    wanted = {**{key: value for key, value in now.items() if key not in keys}, **_only(entry.before, keys)}
    return Entry(entry.objtype, entry.name, now, wanted)


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _only(values: Mapping[str, str], keys: set[str]) -> Values:
    return {key: value for key, value in values.items() if key in keys}
