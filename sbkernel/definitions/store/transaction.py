"""One change set: reads and writes of one transaction, kept in memory until the database has to know them.

Every object is read once and written once, many in one statement, however often a verb looks at it: that is
what makes a definition of 100,000 nodes a matter of seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sbkernel.definitions.store.interface import Key, Values
from sbkernel.definitions.store.journal import dump, load_many, matters


class Tables(Protocol):
    """What a transaction asks of the database; attributes travel as JSON text."""

    def load(self, objtype: str, names: Sequence[str]) -> dict[str, str]:
        """Return those of `names` that are objects."""

    def load_all(self, objtype: str) -> dict[str, str]:
        """Return all objects of a type, sorted by name."""

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""

    def replace(self, objtype: str, gone: Sequence[str], rows: Sequence[tuple[str, str]]) -> None:
        """Remove objects, then insert (name, attributes)."""

    def regroup(self, left: Mapping[str, Sequence[str]], joined: Sequence[tuple[str, str]]) -> None:
        """Remove nodes from groups, by group; then insert (group, node)."""

    def log(self, what: str, rows: Sequence[tuple[str, str, str | None, str | None]]) -> int:
        """Write one change set: objtype, name, before, after; return its number."""

    def mark(self, keys: Sequence[Key]) -> None:
        """Say that these objects were written."""

    def forget(self, until: int) -> None:
        """Remove change sets up to and including a number."""


class BufferedTransaction:
    """A Transaction over Tables; the store calls `flush` before other reads, and `finish` at the end."""

    def __init__(self, tables: Tables, what: str) -> None:
        self._tables = tables
        self._what = what
        self.change: int | None = None
        self._now: dict[Key, Values | None] = {}
        self._first: dict[Key, Values | None] = {}
        self._dirty: dict[Key, Values | None] = {}
        self._texts: dict[Key, str] = {}
        self._first_texts: dict[Key, str | None] = {}

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""
        values = self._current(objtype, name)
        return None if values is None else dict(values)

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`; reading them one by one is free afterwards."""
        self._read([name for name in names if (objtype, name) not in self._now], objtype)
        found = ((name, self._now[objtype, name]) for name in names)
        return {name: dict(values) for name, values in found if values is not None}

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""
        self.flush()
        return self._tables.names(objtype)

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""
        self.flush()
        return load_many(self._tables.load_all(objtype))

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""
        self.flush()
        return self._tables.members(group)

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""
        self.flush()
        return self._tables.groups()

    def put(self, objtype: str, name: str, values: Mapping[str, str]) -> None:
        """Write an object whole."""
        self._set(objtype, name, dict(sorted(values.items())))

    def put_many(self, objtype: str, objects: Mapping[str, Mapping[str, str]]) -> None:
        """Write objects whole."""
        self.get_many(objtype, list(objects))
        for name, values in objects.items():
            self.put(objtype, name, values)

    def delete(self, objtype: str, name: str) -> None:
        """Remove an object; nothing happens when there is none."""
        self._set(objtype, name, None)

    def forget(self, until: int) -> None:
        """Remove change sets from the journal, up to and including a number."""
        self._tables.forget(until)

    def flush(self) -> None:
        """Hand to the database what it does not know yet."""
        dirty, self._dirty = self._dirty, {}
        for objtype in sorted({objtype for objtype, _name in dirty}):
            self._flush(objtype, {name: before for (other, name), before in dirty.items() if other == objtype})

    def finish(self) -> None:
        """Write the rest, and the journal."""
        self.flush()
        self._tables.mark([key for key, before in self._first.items() if before != self._now[key]])
        changed = [key for key, before in self._first.items() if matters(key[0], before, self._now[key])]
        if changed:
            rows = [(*key, self._first_texts[key], self._texts.get(key)) for key in changed]
            self.change = self._tables.log(self._what, rows)

    def _current(self, objtype: str, name: str) -> Values | None:
        key = (objtype, name)
        if key not in self._now:
            self._read([name], objtype)
        return self._now[key]

    def _read(self, names: Sequence[str], objtype: str) -> None:
        texts = self._tables.load(objtype, names) if names else {}
        values = load_many(texts)
        for name in names:
            self._now[objtype, name] = values.get(name)
        self._texts |= {(objtype, name): text for name, text in texts.items()}

    def _set(self, objtype: str, name: str, after: Values | None) -> None:
        before = self._current(objtype, name)
        if before != after:
            key = (objtype, name)
            if key not in self._first:
                self._first[key], self._first_texts[key] = before, self._texts.get(key)
            self._dirty.setdefault(key, before)
            self._now[key] = after

    def _flush(self, objtype: str, before: Mapping[str, Values | None]) -> None:
        after = {name: self._now[objtype, name] for name in sorted(before)}
        rows = [(name, dump(values)) for name, values in after.items() if values is not None]
        self._tables.replace(objtype, [name for name, values in before.items() if values is not None], rows)
        for name in before:
            self._texts.pop((objtype, name), None)
        self._texts |= {(objtype, name): text for name, text in rows}
        if objtype == "node":
            self._tables.regroup(*_moves(before, after))


def _moves(
    before: Mapping[str, Values | None], after: Mapping[str, Values | None]
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Return the groups that nodes left, and the (group, node) that came."""
    left: dict[str, list[str]] = {}
    joined: list[tuple[str, str]] = []
    for name, values in before.items():
        old, new = _groups(values), _groups(after[name])
        if old != new:
            was, is_now = _split(old), _split(new)
            for group in was - is_now:
                left.setdefault(group, []).append(name)
            joined += [(group, name) for group in is_now - was]
    return left, sorted(joined)


def _groups(values: Mapping[str, str] | None) -> str:
    return (values or {}).get("groups", "")


def _split(groups: str) -> set[str]:
    return {group for group in groups.split(",") if group}
