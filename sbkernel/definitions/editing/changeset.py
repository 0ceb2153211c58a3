"""A change of many objects: first shown, then made, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self

from sbkernel.definitions import objects
from sbkernel.definitions.definition import Definition, printable
from sbkernel.definitions.editing.overview import Edit, lines
from sbkernel.definitions.editing.proposal import Fault, ObjectSnapshot, Proposal, propose
from sbkernel.definitions.seen import nodes_as_seen
from sbkernel.definitions.select import is_dynamic
from sbkernel.definitions.store import history
from sbkernel.definitions.store.interface import Store, Transaction, Values
from sbkernel.definitions.store.journal import matters
from sbkernel.errors import DefinitionError

if TYPE_CHECKING:
    import pandas as pd

Many = Callable[[Iterable[str]], Mapping[str, Definition]]
_SAID = 10


class ChangeSet:
    """What would change, or was changed, attribute by attribute. `apply()` makes the change."""

    def __init__(self, store: Store, now: ObjectSnapshot, made: Proposal) -> None:
        self._store, self._now = store, now
        self._proposal = made
        self.state = "open"
        """open, applied or undone."""
        self.number: int | None = None
        """Its number in `site.history()`, once it is applied."""

    @property
    def objtype(self) -> str:
        """Return the type of the objects."""
        return self._now.objtype

    @property
    def names(self) -> list[str]:
        """Return the objects that change."""
        return list(self._proposal.changes)

    @property
    def created(self) -> list[str]:
        """Return the objects that are new."""
        return [name for name in self._proposal.changes if name not in self._now.own]

    @property
    def faults(self) -> Sequence[Fault]:
        """Return what is wrong with it."""
        return self._proposal.faults

    @property
    def left_out(self) -> Sequence[str]:
        """Return the attributes that were not compared, because the running system writes them."""
        return self._proposal.left_out

    @property
    def edits(self) -> list[Edit]:
        """Return every attribute that changes. Secrets are ***."""
        return [edit for name, changes in self._proposal.changes.items() for edit in self._edits_of(name, changes)]

    @property
    def summary(self) -> str:
        """Return how many objects change, in a few words."""
        if not len(self):
            return "Nothing changes"
        new = f", {len(self.created):,} of them new" if self.created else ""
        objects = "object" if len(self.names) == 1 else "objects"
        return f"{len(self.names):,} {objects}{new}"

    @property
    def df(self) -> pd.DataFrame:
        """Return a DataFrame with the columns name, attribute, before, after."""
        import pandas as pd

        return pd.DataFrame(self.edits, columns=list(Edit._fields))

    def __len__(self) -> int:
        return sum(map(len, self._proposal.changes.values()))

    def checked(self) -> Self:
        """Return it. Raises DefinitionError with everything that is wrong with it."""
        if not self.faults:
            return self
        said = [str(fault) for fault in self.faults[:_SAID]]
        more = [f"and {len(self.faults) - _SAID} more"] if len(self.faults) > _SAID else []
        if len(self.faults) == 1:
            raise DefinitionError(self.faults[0].message, hint=self.faults[0].hint)
        raise DefinitionError("\n  ".join([f"{len(self.faults)} values cannot be taken:", *said, *more]))

    def apply(self) -> Self:
        """Make the change, all of it or nothing. Raises DefinitionError if an object was changed in the meantime."""
        self.checked()
        if self.state != "open":
            raise DefinitionError(f"this change is {self.state} already", hint="Make a new one from what is there now.")
        if self._proposal.changes:
            with self._store.write("change") as transaction:
                self._write(transaction)
            self.number = transaction.change
        self.state = "applied"
        return self

    def undo(self) -> Self:
        """Undo the change, as `sb undo` does. Raises DefinitionError if an object was changed since."""
        if self.state != "applied":
            raise DefinitionError(f"this change is {self.state}: there is nothing to undo")
        if self.number is not None:
            history.undo(self._store, self.number)
        self.state = "undone"
        return self

    def _write(self, transaction: Transaction) -> None:
        changes = self._proposal.changes
        objects.look_ahead(transaction, self.objtype, changes, changes.values())
        for name, given in changes.items():
            self._refuse_late(transaction, name)
            objects.change(transaction, self.objtype, name, given)

    def _refuse_late(self, transaction: Transaction, name: str) -> None:
        known = objects.exists(transaction, self.objtype, name)
        there = objects.whole_of(transaction, self.objtype, name) if known else None
        if matters(self.objtype, self._now.own.get(name), there):
            raise DefinitionError(f"{name} was changed by somebody else meanwhile.", hint="Nothing was written.")

    def _edits_of(self, name: str, changes: Values) -> list[Edit]:
        before, after = self._now.shown.get(name, {}), printable(self.objtype, changes)
        return [Edit(name, key, before.get(key, ""), value) for key, value in after.items()]

    def __repr__(self) -> str:
        return "\n".join([self.summary, *lines(self.edits)])


def draft(
    store: Store,
    objtype: str,
    many: Many,
    wanted: Mapping[str, Mapping[str, str | int | None]],
    base: ObjectSnapshot | None = None,
) -> ChangeSet:
    """Return what edits would change, with its faults. `base` is what was read before the edits."""
    plain = {name: {key: _text(value) for key, value in values.items()} for name, values in wanted.items()}
    groups = {group for values in plain.values() for group in values.get("groups", "").split(",") if group}
    now = read(store, objtype, many, plain, groups)
    return ChangeSet(store, now, propose(plain, now, base))


def read(store: Store, objtype: str, many: Many, names: Iterable[str], groups: Iterable[str] = ()) -> ObjectSnapshot:
    """Read objects, the groups that lend them attributes, and `groups`."""
    if objtype == "node":
        return _read_nodes(store, list(names), groups)
    # Read what is stored first: then a change between the two reads counts as a later one.
    own = store.get_many(objtype, asked := list(names))
    found = many(asked)
    if objtype == "group":
        own = {name: _with_members(store, name, own.get(name, {})) for name in found}
    return ObjectSnapshot(objtype, {name: one.attributes.shown() for name, one in found.items()}, own, {})


def _read_nodes(store: Store, names: list[str], groups: Iterable[str]) -> ObjectSnapshot:
    own = store.get_many("node", names)
    named = {group for values in own.values() for group in values.get("groups", "").split(",") if group}
    lending = store.get_many("group", sorted(named.union(groups)))
    shown = {name: seen.shown() for name, seen in sorted(nodes_as_seen(own, lending).items())}
    return ObjectSnapshot("node", shown, own, lending)


def _with_members(store: Store, group: str, stored: Values) -> Values:
    """Return a group with its members, which the nodes store. Those of a dynamic group are not stored."""
    members = "" if is_dynamic(stored) else ",".join(store.members(group))
    return {**stored, "members": members} if members else stored


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)
