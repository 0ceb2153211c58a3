"""Compare what was found with what the site has: which objects to write, and what cannot be taken. Pure.

Attributes that were found win, the others stay. Nodes get the groups that list them as members. What their groups
lend them anyway is not stored again. *** keeps the stored secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sbkernel.definitions import nics
from sbkernel.definitions.attributes import is_secret
from sbkernel.definitions.importing.found import Found, FoundObject, Note
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.seen import as_seen, inherit
from sbkernel.definitions.select import is_dynamic
from sbkernel.definitions.store.interface import Key, Values
from sbkernel.definitions.validate import NeedsError, check_name, faults, merged
from sbkernel.definitions.xcattables.columns import attribute_in, is_hidden
from sbkernel.errors import DefinitionError


class ImportDecision(NamedTuple):
    """Objects before and after, also those that do not change, and what was not taken."""

    before: dict[Key, Values | None]
    after: dict[Key, Values]
    notes: list[Note]

    def __repr__(self) -> str:
        return f"Decision on {len(self.after)} objects, {len(self.notes)} notes"

    @property
    def changed(self) -> list[Key]:
        """Return the objects that are new or differ."""
        return [key for key, values in self.after.items() if values != self.before[key]]


def needed(found: Found) -> dict[str, list[str]]:
    """Return the names, by type, of all objects of the site that `decide` needs."""
    names: dict[str, set[str]] = {"node": set(), "group": set()}
    for item in found.items:
        names.setdefault(item.objtype, set()).add(item.name)
        names["group"].update(_split(item.values.get("groups", "")) if item.objtype == "node" else ())
        names["node"].update([item.name, *_split(item.values.get("members", ""))] if item.objtype == "group" else ())
    return {objtype: sorted(some) for objtype, some in names.items()}


def decide(found: Found, site: Mapping[Key, Values]) -> ImportDecision:
    """Decide about everything that was found. `site` has the objects of `needed`."""
    return _Decider(found, site).decide()


class _Decider:
    def __init__(self, found: Found, site: Mapping[Key, Values]) -> None:
        self._found = found
        self._site = site
        self._notes = list(found.notes)
        self._after: dict[Key, Values] = {}

    def decide(self) -> ImportDecision:
        items = [item for item in _merged(map(self._resolved, self._found.items)) if self._is_legal(item)]
        joining = self._joining(items)
        # The attributes of a node are checked with what its groups lend it, so groups come first.
        for item in sorted(items, key=lambda item: item.objtype == "node"):
            self._take(self._joined(item, joining.pop(item.name, [])) if item.objtype == "node" else item)
        for node, groups in joining.items():
            values = self._site["node", node]
            self._after["node", node] = {**values, "groups": _comma(_split(values.get("groups", "")) + groups)}
        before = {key: self._site.get(key) for key in self._after}
        return ImportDecision(before, self._after, self._notes)

    def _resolved(self, item: FoundObject) -> FoundObject:
        """Assign rows whose key no other table has to the node of that name, if the site has one."""
        is_row = item.objtype == "group" and not item.values.keys() & {"grouptype", "members"}
        if is_row and ("node", item.name) in self._site and ("group", item.name) not in self._site:
            return item._replace(objtype="node")
        return item

    def _joining(self, items: Sequence[FoundObject]) -> dict[str, list[str]]:
        """Return the groups that list a node as their member, by node."""
        nodes = {item.name for item in items if item.objtype == "node"}
        joining: dict[str, list[str]] = {}
        for item in (item for item in items if item.objtype == "group" and not self._is_dynamic(item)):
            for member in _split(item.values.get("members", "")):
                if member in nodes or ("node", member) in self._site:
                    joining.setdefault(member, []).append(item.name)
                else:
                    self._note(item, "members", f"group {item.name}: there is no node {member}")
        return joining

    def _is_dynamic(self, group: FoundObject) -> bool:
        return is_dynamic(group.values) or is_dynamic(self._site.get(("group", group.name)))

    def _joined(self, item: FoundObject, groups: list[str]) -> FoundObject:
        named = item.values.get("groups", self._site.get(("node", item.name), {}).get("groups", ""))
        return item._replace(values={**item.values, "groups": _comma(_split(named) + groups)})

    def _is_legal(self, item: FoundObject) -> bool:
        try:
            if not item.objtype.startswith("table."):
                check_name(item.objtype, item.name)
        except DefinitionError as error:
            names = ", ".join(sorted(item.values)) or "nothing else"
            self._note(item, "", f"{item.objtype} {item.name} is not taken ({names}): {error.message}")
            return False
        return not (item.only_new and (item.objtype, item.name) in self._site) and not self._is_another(item)

    def _is_another(self, item: FoundObject) -> bool:
        """Tell whether a network of the site has this net and mask under another name."""
        if item.objtype != "network" or ("network", item.name) in self._site:
            return False
        wanted = (item.values.get("net"), item.values.get("mask"))
        networks = {name: values for (objtype, name), values in self._site.items() if objtype == "network"}
        same = [name for name, values in networks.items() if (values.get("net"), values.get("mask")) == wanted]
        if same and not item.only_new:
            self._note(item, "net", f"network {item.name} is not taken: {same[0]} has its net and mask already")
        return bool(same)

    def _take(self, item: FoundObject) -> None:
        key = (item.objtype, item.name)
        before = self._site.get(key)
        given = nics.folded(before or {}, self._without_hidden(item, before or {}))
        whole = merged(before or {}, given)
        if item.objtype == "node":
            given = self._without_lent(item, given, whole)
            whole = inherit(whole, self._groups(whole))
        # Only now do we know which attribute a column shows: mgt decides whether bmc is in ipmi or in openbmc.
        given = {_attribute(item.objtype, name, whole): value for name, value in given.items()}
        wrong = {attribute for attribute, _ in self._refused(item, given, whole)}
        after = merged(before or {}, {name: value for name, value in given.items() if name not in wrong})
        if after or item.objtype != "group" or before is not None:
            self._after[key] = after

    def _refused(self, item: FoundObject, given: Values, whole: Values) -> Iterator[tuple[str, DefinitionError]]:
        shown = {name: value for name, value in given.items() if not is_hidden(item.objtype, name)}
        for attribute, error in faults(item.objtype, item.name, shown, whole):
            if item.objtype == "group" and isinstance(error, NeedsError):
                continue  # The mgt that it needs may come from another group of its members.
            self._note(item, attribute, f"{item.objtype} {item.name}: {attribute} is not taken: {error.message}")
            yield attribute, error

    def _without_hidden(self, item: FoundObject, before: Values) -> Values:
        hidden = [name for name, value in item.values.items() if value == HIDDEN and is_secret(item.objtype, name)]
        for name in hidden:
            kept = "keeps the secret that is stored" if name in before else "was hidden, and no secret is stored"
            self._note(item, name, f"{item.objtype} {item.name}: {name}=*** {kept}")
        # The members of a group are stored with the nodes.
        gone = [*hidden, "members"] if item.objtype == "group" else hidden
        return {name: value for name, value in item.values.items() if name not in gone}

    def _groups(self, node: Mapping[str, str]) -> dict[str, Values]:
        names = _split(node.get("groups", ""))
        found = {name: self._after.get(("group", name)) or self._site.get(("group", name)) for name in names}
        return {name: values for name, values in found.items() if values and not is_dynamic(values)}

    def _without_lent(self, item: FoundObject, given: Values, whole: Values) -> Values:
        if not self._found.with_lent:
            return given
        lent = inherit({"groups": whole.get("groups", "")}, self._groups(whole))
        same = {name for name, value in given.items() if name in lent and _is_same(item.name, name, value, lent[name])}
        return {name: value for name, value in given.items() if name == "groups" or name not in same}

    def _note(self, item: FoundObject, attribute: str, text: str) -> None:
        self._notes.append(Note(item.place(attribute), text))


def _attribute(objtype: str, name: str, values: Mapping[str, str]) -> str:
    return attribute_in(objtype, name, values) if is_hidden(objtype, name) else name


def _is_same(node: str, name: str, value: str, lent: str) -> bool:
    """Tell whether a value is what the group lends: for an expression, lsdef prints the result."""
    if value == lent:
        return True
    one, two = (as_seen(node, {name: text}, {}) for text in (value, lent))
    return not (one.faults or two.faults) and one.sound == two.sound


def _merged(items: Iterable[FoundObject]) -> list[FoundObject]:
    """Join the parts of one object. A later value wins."""
    whole: dict[Key, FoundObject] = {}
    for item in items:
        old = whole.get((item.objtype, item.name))
        if old is not None:
            item = old._replace(values={**old.values, **item.values}, places={**old.places, **item.places})
        whole[item.objtype, item.name] = item
    return list(whole.values())


def _split(text: str) -> list[str]:
    return [name for name in dict.fromkeys(text.split(",")) if name]


def _comma(names: Iterable[str]) -> str:
    return ",".join(dict.fromkeys(names))
