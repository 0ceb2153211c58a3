"""The work of the definitions panel: the open object, its edits, and what was saved so far.

It has no widget. The panel renders it and passes on what is typed; the collections of the site decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sbkernel.definitions.attributes import attribute_of, attributes_of
from sbkernel.definitions.editing.changeset import ChangeSet
from sbkernel.definitions.editing.dataframes import columns_of
from sbkernel.definitions.store import history
from sbkernel.definitions.store.journal import steady
from sbkernel.definitions.tables.attribute import Attribute
from sbkernel.definitions.validate import check_name
from sbkernel.errors import DefinitionError
from sbkernel.site import Site

EDITABLE_TYPES = ("osimage", "node", "group", "network", "policy", "route", "rack", "zone", "site")
LISTED_COUNT = 200
"""Number of names that are listed. The search finds the others."""

Edits = Mapping[str, str]


class Done(NamedTuple):
    """A change that was made in this panel."""

    number: int
    text: str


class Editor:
    """One open definition, with its edits as they are typed."""

    def __init__(self, site: Site, objtype: str, name: str = "") -> None:
        self.site = site
        self.done: list[Done] = []
        self.show(objtype, name)

    @property
    def exists(self) -> bool:
        """Tell whether the object exists. A new one exists once it is saved."""
        return self.name in self.base.own

    def show(self, objtype: str, name: str = "") -> None:
        """Open an object, by default the first of its type. Raises NotFoundError if there is no object of that name."""
        objects = self.site.all_of(objtype)
        found = objects[name].name if name else next(iter(objects), "")
        self.objtype, self.name = objtype, found
        self.base = objects.read([self.name])

    def new(self, name: str) -> None:
        """Begin a new object. Raises DefinitionError for a name that is wrong or taken."""
        if name in self.site.all_of(self.objtype):
            raise DefinitionError(f"{self.objtype} {name} already exists", hint="Choose another name.")
        self.name = check_name(self.objtype, name)
        self.base = self.site.all_of(self.objtype).read([name])

    def search(self, objtype: str, text: str = "") -> tuple[list[str], int]:
        """Return the first names that contain a text, in any case, and the number of all such names."""
        found = [name for name in self.site.all_of(objtype) if text.lower() in name.lower()]
        return found[:LISTED_COUNT], len(found)

    def fields(self) -> list[dict[str, Any]]:
        """Return the attributes that are set, in the order of the attribute table, with secrets hidden."""
        values = self.base.shown.get(self.name, {})
        return [self._field(key, values[key]) for key in columns_of(self.objtype, set(values))]

    def table(self) -> list[dict[str, Any]]:
        """Return all attributes that the object can have."""
        return [described_attribute(attribute.name, attribute) for attribute in attributes_of(self.objtype).values()]

    def draft(self, edits: Edits) -> ChangeSet:
        """Return what the edits would change, with the faults."""
        return self.site.all_of(self.objtype).draft({self.name: edits}, self.base)

    def save(self, edits: Edits) -> ChangeSet:
        """Save the edits and open the object again. Raises DefinitionError if they are wrong or come too late."""
        made = self.draft(edits).apply()
        self.show(self.objtype, self.name)
        values = "1 value" if len(made) == 1 else f"{len(made)} values"
        self._note(made.number, f"{values} of {self.objtype} {self.name}")
        return made

    def clone(self, name: str) -> None:
        """Copy the object and open the copy. An osimage gets its own lists and tree. Raises DefinitionError."""
        if self.objtype == "osimage":
            self.site.clone(self.name, name)
        else:
            values = steady(self.objtype, self.site.store.get(self.objtype, self.name) or {})
            self.site.all_of(self.objtype).draft({name: values}).apply()
        made = self.site.store.changes(name, last=1)
        self._note(made[-1].id if made else None, f"new {self.objtype} {name}")
        self.show(self.objtype, name)

    def undo(self) -> Done:
        """Take back the last change of this panel. Raises DefinitionError if others have changed the same."""
        history.undo(self.site.store, self.done[-1].number)
        undone = self.done.pop()
        there = self.name in self.site.all_of(self.objtype)
        self.show(self.objtype, self.name if there else "")
        return undone

    def _note(self, number: int | None, text: str) -> None:
        if number is not None:
            self.done.append(Done(number, text))

    def _field(self, key: str, value: str) -> dict[str, Any]:
        lender = self.base.lender(self.name, key)
        return {**described_attribute(key, attribute_of(self.objtype, key)), "value": value, "lender": lender}


def described_attribute(name: str, attribute: Attribute) -> dict[str, Any]:
    """Return an attribute as the form shows it."""
    needs = f" Needs {attribute.needs[0]}={' or '.join(attribute.needs[1])}." if attribute.needs else ""
    default = f" Unset: {attribute.default}." if attribute.default else ""
    use = f" {attribute.netboot}" if attribute.netboot and attribute.netboot.kind != "honoured" else ""
    return {
        "name": name,
        "text": f"{attribute.text}{default}{needs}{use}",
        "values": list(attribute.values),
        "secret": attribute.secret,
        "keyed": attribute.keyed and name == attribute.name,
        "written": attribute.volatile,
    }
