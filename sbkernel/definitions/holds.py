"""Holds: somebody says that nobody shall touch a node, and why. The attribute `held` of a node: `WHO: WHY`.

A group can lend it, so that chdef on a rack holds the whole rack. Power, rsetboot and nodeset do not cross a hold
unless they are told to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sbkernel.definitions.collection import Nodes
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.objects import change
from sbkernel.definitions.store.interface import Store
from sbkernel.definitions.store.journal import user
from sbkernel.errors import DefinitionError, NodeError

ATTRIBUTE = "held"
CROSS = "--override-hold"
"""The option with which a verb crosses holds."""


class Hold(NamedTuple):
    """Who holds a node, and why."""

    who: str
    why: str

    def __str__(self) -> str:
        return f"held by {self.who}: {self.why}" if self.why else f"held by {self.who}"


def hold_of(node: Definition) -> Hold | None:
    """Return who holds a node, itself or by one of its groups; None: nobody."""
    text = node.peek(ATTRIBUTE)
    if not text:
        return None
    who, colon, why = text.partition(":")
    return Hold(who.strip(), why.strip()) if who.strip() or colon else None


def refuse_held(node: Definition, verb: str) -> None:
    """Raise NodeError if somebody holds a node."""
    if held := hold_of(node):
        raise NodeError(
            node.name, str(held), hint=f"ask {held.who}, sb release NODE, or cross the hold this once: {verb} {CROSS}"
        )


def hold(store: Store, names: Sequence[str], why: str, *, force: bool = False) -> None:
    """Hold nodes for the user. Raises DefinitionError if somebody else holds one, unless forced; then none is held."""
    who, text = user(), " ".join(why.split())
    if not text:
        raise DefinitionError("a hold needs a reason", hint='sb hold NODE --reason "waits for a new DIMM"')
    _refuse_of_others(store, names, who, force)
    with store.write("hold") as transaction:
        transaction.get_many("node", names)
        for name in names:
            change(transaction, "node", name, {ATTRIBUTE: f"{who}: {text}"})


def release(store: Store, names: Sequence[str], *, force: bool = False) -> dict[str, Hold | None]:
    """Release nodes and return how each was held. Raises DefinitionError for holds of others, unless forced."""
    _refuse_of_others(store, names, user(), force)
    before = {name: hold_of(node) for name, node in Nodes(store).many(names).items()}
    own = {name for name, values in store.get_many("node", names).items() if ATTRIBUTE in values}
    if lent := [name for name, held in before.items() if held and name not in own]:
        raise DefinitionError(
            f"{lent[0]} is held by one of its groups", hint=f"sb lsdef -t group -i {ATTRIBUTE}, and clear it there"
        )
    with store.write("release") as transaction:
        for name in own:
            change(transaction, "node", name, {ATTRIBUTE: None})
    return before


def holds(store: Store, names: Sequence[str]) -> dict[str, Hold]:
    """Return the holds of those nodes that are held."""
    found = ((name, hold_of(node)) for name, node in Nodes(store).many(names).items())
    return {name: held for name, held in found if held}


def _refuse_of_others(store: Store, names: Sequence[str], who: str, force: bool) -> None:
    others = {name: held for name, held in holds(store, names).items() if held.who != who}
    if others and not force:
        name, held = next(iter(others.items()))
        more = f", and {len(others) - 1} more by others" if len(others) > 1 else ""
        raise DefinitionError(f"{name} is {held}{more}", hint="--force if that is settled with them")
