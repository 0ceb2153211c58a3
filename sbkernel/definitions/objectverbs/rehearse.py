"""Change the definitions and roll back, to show in a dry run what would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from sbkernel.definitions.store.interface import Store, Transaction, Values
from sbkernel.definitions.store.journal import Entry

T = TypeVar("T")


class _TakenBackError(Exception):
    """Rolls back the transaction."""


def rehearse(store: Store, work: Callable[[Transaction], T]) -> tuple[T, list[Entry]]:
    """Return what `work` returns, and what it would change, sorted. The store does not change."""
    done: list[tuple[T, list[Entry]]] = []
    try:
        with store.write("dry run") as transaction:
            watched = _Watched(transaction)
            done.append((work(watched), watched.entries()))
            raise _TakenBackError
    except _TakenBackError:
        return done[0]


class _Watched:
    """A transaction that remembers its objects as they were before."""

    def __init__(self, transaction: Transaction) -> None:
        self._inner = transaction
        self.change: int | None = None
        self._first: dict[tuple[str, str], Values | None] = {}
        self.get = transaction.get
        self.get_many = transaction.get_many
        self.names = transaction.names
        self.objects = transaction.objects
        self.members = transaction.members
        self.groups = transaction.groups
        self.forget = transaction.forget

    def put(self, objtype: str, name: str, values: Mapping[str, str]) -> None:
        self._remember(objtype, name)
        self._inner.put(objtype, name, values)

    def put_many(self, objtype: str, objects: Mapping[str, Mapping[str, str]]) -> None:
        for name, values in objects.items():
            self.put(objtype, name, values)

    def delete(self, objtype: str, name: str) -> None:
        self._remember(objtype, name)
        self._inner.delete(objtype, name)

    def entries(self) -> list[Entry]:
        found = (Entry(*key, before, self._inner.get(*key)) for key, before in sorted(self._first.items()))
        return [one for one in found if one.before != one.after]

    def _remember(self, objtype: str, name: str) -> None:
        self._first.setdefault((objtype, name), self._inner.get(objtype, name))
