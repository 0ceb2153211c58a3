"""The narrow interface to where definitions are kept, and the names of its parts.

A backend passes the conformance tests in tests/definitions. Values are plain attribute dictionaries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from sbkernel.definitions.store.journal import Change, Entry

Values = dict[str, str]
SERVER_VARIABLE = "SBKERNEL_DB"
"""Names the PostgreSQL database that takes the place of the embedded store."""
Key = tuple[str, str]
"""Type and name of an object."""


class Changed(NamedTuple):
    """What was written after a revision."""

    revision: int
    """The revision by now: ask since this one the next time."""
    objects: frozenset[Key] | None
    """The objects that were made, changed or removed; None when that was too long ago to say: it may be any."""


class Transaction(Protocol):
    """Reads and writes that happen together or not at all, in turn with every other writer."""

    change: int | None
    """The number of the change set, known at the end; None as long as nothing changed that is journaled."""

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`; reading them one by one is free afterwards."""

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""

    def put(self, objtype: str, name: str, values: Mapping[str, str]) -> None:
        """Write an object whole."""

    def put_many(self, objtype: str, objects: Mapping[str, Mapping[str, str]]) -> None:
        """Write objects whole."""

    def delete(self, objtype: str, name: str) -> None:
        """Remove an object; nothing happens when there is none."""

    def forget(self, until: int) -> None:
        """Remove change sets from the journal, up to and including a number."""


class Store(Protocol):
    """Where definitions are kept."""

    def get(self, objtype: str, name: str) -> Values | None:
        """Return the attributes of an object, or None."""

    def get_many(self, objtype: str, names: Sequence[str]) -> dict[str, Values]:
        """Return the objects that exist among `names`."""

    def existing(self, objtype: str, names: Sequence[str]) -> set[str]:
        """Return those of `names` that are objects."""

    def objects(self, objtype: str) -> dict[str, Values]:
        """Return all objects of a type, sorted by name."""

    def names(self, objtype: str) -> list[str]:
        """Return the names of all objects of a type, sorted."""

    def members(self, group: str) -> list[str]:
        """Return the nodes that name the group, sorted."""

    def groups(self) -> list[str]:
        """Return the groups that any node names, sorted."""

    def write(self, what: str) -> AbstractContextManager[Transaction]:
        """Begin a transaction: one change set of the journal, where `what` says what it was for."""

    def changes(self, name: str = "", last: int = 0, number: int = 0) -> list[Change]:
        """Return change sets, oldest first; only of objects called `name`, only the last ones, only this one."""

    def entries(self, change: int, most: int = 0) -> list[Entry]:
        """Return what a change set did to each object, sorted by type and name; only the first `most`."""

    def revision(self) -> int:
        """Return the number of the last write, whoever made it; status counts, which no change set holds.

        It is not the number of a change set. Read it first, then the objects, then ask what changed since.
        """

    def changed(self, since: int) -> Changed:
        """Return what was written after a revision. While nothing was, that costs one look at an index."""

    def close(self) -> None:
        """Close it."""
