"""What was read of some objects, what edits would change, and what is wrong with the edits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

from sbkernel.definitions.attributes import attribute_of, is_secret
from sbkernel.definitions.secret import HIDDEN
from sbkernel.definitions.seen import inherit, lender
from sbkernel.definitions.store.interface import Values
from sbkernel.definitions.store.journal import matters, steady
from sbkernel.definitions.validate import check_name, faults, merged
from sbkernel.errors import DefinitionError

Wanted = Mapping[str, Mapping[str, str]]


class ObjectSnapshot(dict[str, str]):
    """Objects of one type, as they were read.

    It is kept in `DataFrame.attrs`. pandas copies and compares these for every frame, and writes them to files as JSON.
    So a copy of it is the same object, it is equal only to itself, and only the type leaves the process.
    """

    def __init__(
        self,
        objtype: str,
        shown: Mapping[str, Values],
        own: Mapping[str, Values],
        groups: Mapping[str, Values],
    ) -> None:
        super().__init__(objtype=objtype)
        self.objtype = objtype
        self.shown = shown
        """Objects as they are shown: a node with what its groups lend it."""
        self.own = own
        """Objects as they are stored: a group with its members."""
        self.groups = groups
        """The groups that lend attributes to these nodes."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[type[dict[str, str]], tuple[dict[str, str]]]:
        return dict, (dict(self),)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__  # type: ignore[assignment]

    def lender(self, name: str, attribute: str) -> str:
        """Return the group that lends an attribute to a node; "" if none does."""
        return lender(self.own.get(name, {}), self.groups, attribute)


class Fault(NamedTuple):
    """Something wrong. Without an attribute it is about the object, without a name about all objects."""

    name: str
    attribute: str
    message: str
    hint: str | None = None

    @classmethod
    def of(cls, name: str, attribute: str, error: DefinitionError) -> Fault:
        """Make one from an error."""
        return cls(name, attribute, error.message, error.hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class Proposal(NamedTuple):
    """Changes by object, what is wrong with them, and which attributes were left out."""

    changes: dict[str, Values]
    faults: tuple[Fault, ...]
    left_out: tuple[str, ...] = ()


def propose(wanted: Wanted, now: ObjectSnapshot, base: ObjectSnapshot | None = None) -> Proposal:
    """Compare what is wanted with what was read (`base`, else `now`), and check the difference.

    Without a base, attributes that the running system writes are left out: they may differ without an edit.
    """
    names = {attribute: None for values in wanted.values() for attribute in values}
    unknown = tuple(_unknown(now.objtype, names))
    skipped = {fault.attribute for fault in unknown} | (set() if base else _volatile(now.objtype, names))
    changes: dict[str, Values] = {}
    wrong: list[Fault] = []
    for name, values in wanted.items():
        kept = {attribute: value for attribute, value in values.items() if attribute not in skipped}
        edited = _edited(kept, (base or now).shown.get(name, {}))
        if edited or name not in now.own:
            changes[name] = edited
            wrong += _faults(name, edited, now, base)
    left_out = sorted(skipped - {fault.attribute for fault in unknown})
    return Proposal(changes, (*unknown, *wrong), tuple(left_out))


def _unknown(objtype: str, attributes: Mapping[str, None]) -> Iterator[Fault]:
    for attribute in attributes:
        try:
            attribute_of(objtype, attribute)
        except DefinitionError as error:
            yield Fault.of("", attribute, error)


def _volatile(objtype: str, attributes: Mapping[str, None]) -> set[str]:
    return {*attributes}.difference(steady(objtype, dict.fromkeys(attributes, "")))


def _edited(values: Mapping[str, str], before: Mapping[str, str]) -> Values:
    return {attribute: value for attribute, value in values.items() if value != before.get(attribute, "")}


def _faults(name: str, edited: Values, now: ObjectSnapshot, base: ObjectSnapshot | None) -> Iterator[Fault]:
    if base is not None and matters(now.objtype, base.own.get(name), now.own.get(name)):
        yield Fault(name, "", f"{name} was changed by somebody else after this was read.", "Read it again.")
        return
    if name not in now.own:
        yield from _faults_of_new(now.objtype, name, edited)
    yield from _not_kept(name, edited, now)
    yield from _not_cleared(name, edited, now)
    whole = merged(now.own.get(name, {}), edited)
    whole = inherit(whole, now.groups) if now.objtype == "node" else whole
    for attribute, error in faults(now.objtype, name, edited, whole):
        yield Fault.of(name, attribute, error)


def _faults_of_new(objtype: str, name: str, edited: Values) -> Iterator[Fault]:
    try:
        check_name(objtype, name)
    except DefinitionError as error:
        yield Fault.of(name, "", error)
    if objtype == "node" and not edited.get("groups"):
        yield Fault(name, "groups", f"{name} is new: Attribute 'groups' is not specified for node '{name}'.")


def _not_kept(name: str, edited: Values, now: ObjectSnapshot) -> Iterator[Fault]:
    for attribute, value in edited.items():
        if value == HIDDEN and is_secret(now.objtype, attribute):
            yield Fault(name, attribute, f"{name} has no {attribute} that *** could keep.")


def _not_cleared(name: str, edited: Values, now: ObjectSnapshot) -> Iterator[Fault]:
    for attribute, value in edited.items():
        if not value and (lender := now.lender(name, attribute)):
            hint = "Clear it there, or give it another value here."
            yield Fault(name, attribute, f"{name} has {attribute} from its group {lender}.", hint)
