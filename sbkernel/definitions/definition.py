"""One object of the site, and its attributes, which never print a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sbkernel.definitions.attributes import is_secret
from sbkernel.definitions.secret import shown
from sbkernel.errors import DefinitionError

UNCOMPUTED = "(cannot be computed)"


def printable(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return attributes as they may be printed: secrets as ***, references to secrets as they are."""
    return {name: shown(value) if is_secret(objtype, name) else value for name, value in values.items()}


class Attributes(Mapping[str, str]):
    """Attributes of one object, read-only. Printed as a whole, they show secrets as ***, unless revealed.

    Reading an attribute that cannot be computed raises a DefinitionError that names the object and the attribute.
    """

    __slots__ = ("_objtype", "_revealed", "faults", "sound")

    def __init__(
        self,
        objtype: str,
        values: Mapping[str, str],
        faults: Mapping[str, DefinitionError] | None = None,
        *,
        revealed: bool = False,
    ) -> None:
        self._objtype = objtype
        self._revealed = revealed
        self.sound = dict(sorted(values.items()))
        """All that have a value."""
        self.faults = faults or {}
        """Those that cannot be computed, and why."""

    def __getitem__(self, name: str) -> str:
        if name in self.faults:
            raise self.faults[name]
        return self.sound[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted([*self.sound, *self.faults]) if self.faults else self.sound)

    def __len__(self) -> int:
        return len(self.sound) + len(self.faults)

    def __contains__(self, name: object) -> bool:
        return name in self.sound or name in self.faults

    def __repr__(self) -> str:
        return repr(self.shown())

    def printable(self) -> dict[str, str]:
        """Return those that have a value, as they may be printed."""
        return dict(self.sound) if self._revealed else printable(self._objtype, self.sound)

    def shown(self) -> dict[str, str]:
        """Return all of them as they may be printed. UNCOMPUTED stands for those that cannot be computed."""
        found = self.printable()
        return {name: found.get(name, UNCOMPUTED) for name in self} if self.faults else found


class Definition(NamedTuple):
    """One object: an osimage, node, group, network, passwd or the site."""

    objtype: str
    name: str
    attributes: Attributes

    @classmethod
    def of(cls, objtype: str, name: str, values: Mapping[str, str]) -> Definition:
        """Make one from plain values."""
        return cls(objtype, name, values if isinstance(values, Attributes) else Attributes(objtype, values))

    def get(self, attribute: str, default: str = "") -> str:
        """Return an attribute, or `default` if it is unset. Raises DefinitionError if it cannot be computed."""
        held = self.attributes
        if attribute in held.faults:
            raise held.faults[attribute]
        return held.sound.get(attribute, default)

    @property
    def text(self) -> str:
        """Return it in the manner of lsdef."""
        values = (f"    {name}={value}" for name, value in self.attributes.shown().items())
        return "\n".join([f"{self.objtype}: {self.name}", *values])

    def peek(self, attribute: str, default: str = "") -> str:
        """Return the value of an attribute, or `default` if it is unset or cannot be computed.

        For loops over all nodes, which one wrong row must not end.
        """
        return self.attributes.sound.get(attribute, default)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(self.text)

    def revealed(self) -> Definition:
        """Return the same definition, but it prints its secrets. Only --reveal may use it."""
        return Definition(
            self.objtype,
            self.name,
            Attributes(self.objtype, self.attributes.sound, self.attributes.faults, revealed=True),
        )
