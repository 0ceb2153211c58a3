"""Some objects of one type, seen as a mapping, as a table, or as something to change at once.

`Objects` is what a whole collection and a part of it have in common; `Selection` is a part that was chosen by name,
by noderange or by its attributes. What shows them, and pandas, is imported when it is asked for.
"""

from __future__ import annotations

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
"""A new value, None or "" to clear; or a function of the object's name that returns one."""


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
        """Return a DataFrame: a row an object, a column an attribute that any of them has, "" where it is unset.

        Secrets show as ***. `changes(frame)` takes it back after it was edited.
        """
        from sbkernel.definitions.editing import dataframes

        return dataframes.frame(self.read())

    @property
    def overview(self) -> Overview:
        """Return them as a table for people, in which those that look alike are one row."""
        from sbkernel.definitions.editing.overview import overview

        return overview(self._objtype, self.many(self))

    def read(self, names: Iterable[str] | None = None) -> ObjectSnapshot:
        """Return what there is of them, or of `names`: the base of edits that are to be refused when they come late."""
        from sbkernel.definitions.editing import changeset

        return changeset.read(self._store, self._objtype, self.many, self if names is None else names)

    def many(self, names: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions of `names`, in one read where the store can; unknown names are left out."""
        raise NotImplementedError

    def items(self) -> ItemsView[str, Definition]:
        """Return names and definitions, in one read where the store can."""
        names = list(self)
        found = self.many(names)
        return {name: found[name] for name in names if name in found}.items()

    def values(self) -> ValuesView[Definition]:
        """Return the definitions, in one read where the store can."""
        return dict(self.items()).values()

    def where(self, *conditions: str) -> Selection:
        """Return those that fulfil all conditions, written as after -w: attr==value, !=, =~regex, !~."""
        wanted = select.parse(conditions)
        key = KEYS[self._objtype]
        for condition in wanted:
            if condition.attribute != key:
                attribute_of(self._objtype, condition.attribute)
        found = self.many(self).items()
        return self._part(name for name, one in found if select.holds(wanted, one.attributes, **{key: name}))

    def changes(self, edited: pd.DataFrame | Mapping[str, Mapping[str, Value]]) -> ChangeSet:
        """Return what an edited `df`, or {name: {attribute: value}}, would change; `apply()` does it, as one change.

        None, "" and missing values clear, *** keeps, a new name is a new object; objects that are not named stay.
        Raises DefinitionError with all that is wrong, and when an object was changed after `df` was read.
        """
        from sbkernel.definitions.editing import dataframes

        if isinstance(edited, Mapping):
            return self.draft(edited).checked()
        return self.draft(*dataframes.values(edited, self._objtype)).checked()

    def draft(self, edited: Mapping[str, Mapping[str, Value]], base: ObjectSnapshot | None = None) -> ChangeSet:
        """Return the same with its faults instead of raising them; `base` is what was read when the edits began."""
        from sbkernel.definitions.editing import changeset

        return changeset.draft(self._store, self._objtype, self.many, edited, base)

    def _part(self, names: Iterable[str]) -> Selection:
        return Selection(self, tuple(names))

    def _ipython_key_completions_(self) -> list[str]:
        return self.names

    if not TYPE_CHECKING:  # for people at a prompt: `site.nodes.n1`; a type checker shall see misspelled methods

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
        """Return the names as short as a noderange can say them, such as n[1-20]."""
        from sbkernel.definitions.ranges.fold import fold

        return fold(self._names)

    def many(self, names: Iterable[str]) -> dict[str, Definition]:
        """Return the definitions of those of `names` that are in the selection."""
        return self._source.many(name for name in names if name in self._known)

    def set(self, **attributes: Wanted) -> ChangeSet:
        """Give all of them these attributes, as one change; return it. `set(bmc=lambda name: f"{name}-bmc")`.

        None or "" clears. All or, when one is wrong, none: DefinitionError. Attributes whose names hold a dot are
        given as `set(**{"nicips.eth0": "10.0.0.1"})`.
        """
        return self.changes({name: _for(name, attributes) for name in self}).apply()


def _for(name: str, attributes: Mapping[str, Wanted]) -> dict[str, Value]:
    return {key: value(name) if callable(value) else value for key, value in attributes.items()}
