"""Some objects of one type: as a mapping, as a table, and to change together.

`Objects` is what a collection and a part of it have in common. `Selection` is a part, chosen by name, by noderange or
by attributes. Displays and pandas are imported when they are needed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING

from sbkernel.definitions import select
from sbkernel.definitions.attributes import KEYS, attribute_of
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.store.interface import Store
from sbkernel.errors import NotFoundError

if TYPE_CHECKING:
    import pandas as pd

    from sbkernel.definitions.editing.changeset import ChangeSet
    from sbkernel.definitions.editing.overview import Overview
    from sbkernel.definitions.editing.proposal import ObjectSnapshot

Value = str | int | None
Wanted = Value | Callable[[str], Value]
"""A new value, None or "" to clear; or a function from the name of an object to the value."""


class Objects(Mapping[str, Definition]):
    """Objects of one type, by name."""

    _store: Store
    _objtype: str

    @property
    def objtype(self) -> str:
        """Return the type of the objects."""
        return self._objtype

    @property
    def names(self) -> list[str]:
        """Return their names."""
        return list(self)

    @property
    def df(self) -> pd.DataFrame:
        """Return a DataFrame: a row for each object, a column for each attribute in use, "" if it is unset.

        Secrets are ***. Edit it, then give it to `changes(frame)`.
        """
        from sbkernel.definitions.editing import dataframes

        return dataframes.frame(self.read())

    @property
    def overview(self) -> Overview:
        """Return them as a table for people. Those that look alike share a row."""
        from sbkernel.definitions.editing.overview import overview

        return overview(self._objtype, self.many(self))

    def read(self, names: Iterable[str] | None = None) -> ObjectSnapshot:
        """Return what is stored for them, or for `names`. With this as a base, edits that come too late are refused."""
        from sbkernel.definitions.editing import changeset

        return changeset.read(self._store, self._objtype, self.many, self if names is None else names)

    @abstractmethod
    def many(self, names: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions of `names`, read together if the store can do that. Unknown names are left out."""

    def items(self) -> ItemsView[str, Definition]:
        """Return names and definitions, read together if the store can do that."""
        names = list(self)
        found = self.many(names)
        return {name: found[name] for name in names if name in found}.items()

    def values(self) -> ValuesView[Definition]:
        """Return the definitions, read together if the store can do that."""
        return dict(self.items()).values()

    def where(self, *conditions: str) -> Selection:
        """Return those for which all conditions hold, written as after -w: attr==value, !=, =~regex, !~."""
        wanted = select.parse(conditions)
        key = KEYS[self._objtype]
        for condition in wanted:
            if condition.attribute != key:
                attribute_of(self._objtype, condition.attribute)
        found = self.many(self).items()
        return self._part(name for name, one in found if select.holds(wanted, one.attributes, **{key: name}))

    def changes(self, edited: pd.DataFrame | Mapping[str, Mapping[str, Value]]) -> ChangeSet:
        """Return what an edited `df`, or {name: {attribute: value}}, would change. `apply()` makes it one change.

        None, "" and missing values clear, *** keeps, a new name is a new object. Other objects stay as they are.
        Raises DefinitionError with everything that is wrong, or if an object was changed after `df` was read.
        """
        from sbkernel.definitions.editing import dataframes

        if isinstance(edited, Mapping):
            return self.draft(edited).checked()
        return self.draft(*dataframes.values(edited, self._objtype)).checked()

    def draft(self, edited: Mapping[str, Mapping[str, Value]], base: ObjectSnapshot | None = None) -> ChangeSet:
        """Return the same, but with its faults instead of an error. `base` is what was read before the edits."""
        from sbkernel.definitions.editing import changeset

        return changeset.draft(self._store, self._objtype, self.many, edited, base)

    def _part(self, names: Iterable[str]) -> Selection:
        return Selection(self, tuple(names))

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    if not TYPE_CHECKING:  # For people at a prompt: `site.nodes.n1`. A type checker must see misspelled methods.

        def __getattr__(self, name: str) -> Definition:
            if name.startswith("_") or name not in self:
                raise AttributeError(f"{type(self).__name__} has neither an attribute nor an object '{name}'")
            return self[name]

        def __dir__(self) -> list[str]:
            return [*super().__dir__(), *(name for name in self if name.isidentifier())]

    def __repr__(self) -> str:
        return self.overview.text


class Selection(Objects):
    """Some objects of a collection."""

    def __init__(self, source: Objects, names: Sequence[str]) -> None:
        self._source = source
        self._store, self._objtype = source._store, source._objtype
        self._names = tuple(dict.fromkeys(names))
        self._known = frozenset(self._names)

    def __getitem__(self, name: str) -> Definition:
        if name not in self._known:
            raise NotFoundError(f"'{name}' is not among {self.noderange}")
        return self._source[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    @property
    def noderange(self) -> str:
        """Return the names as a short noderange, such as n[1-20]."""
        from sbkernel.definitions.ranges.fold import fold

        return fold(self._names)

    def many(self, names: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions of those of `names` that are in the selection."""
        return self._source.many(name for name in names if name in self._known)

    def set(self, **attributes: Wanted) -> ChangeSet:
        """Set attributes of all of them, and return the change. Example: `set(bmc=lambda name: f"{name}-bmc")`.

        None or "" clears. Raises DefinitionError if one value is wrong, and then nothing changes. For an attribute with
        a dot in its name, write `set(**{"nicips.eth0": "10.0.0.1"})`.
        """
        return self.changes({name: _for(name, attributes) for name in self}).apply()


def _for(name: str, attributes: Mapping[str, Wanted]) -> dict[str, Value]:
    return {key: value(name) if callable(value) else value for key, value in attributes.items()}
