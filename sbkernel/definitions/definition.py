"""Definition: one object of the site, and its attributes, which never print a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sbkernel.definitions.attributes import is_secret
from sbkernel.definitions.secret import shown


def printable(objtype: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return attributes as they may be printed: secrets as ***, references to secrets as they are."""
    return {name: shown(value) if is_secret(objtype, name) else value for name, value in values.items()}


class Attributes(Mapping[str, str]):
    """Attributes of one object, read-only; secrets show as *** wherever the whole is printed, unless revealed."""

    __slots__ = ("_objtype", "_revealed", "_values")

    def __init__(self, objtype: str, values: Mapping[str, str], *, revealed: bool = False) -> None:
        self._objtype = objtype
        self._values = dict(sorted(values.items()))
        self._revealed = revealed

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self.shown())

    def shown(self) -> dict[str, str]:
        """Return the attributes as they may be printed."""
        return dict(self._values) if self._revealed else printable(self._objtype, self._values)


class Definition(NamedTuple):
    """One object: an osimage, node, group, network, passwd or the site."""

    objtype: str
    name: str
    attributes: Attributes

    @classmethod
    def of(cls, objtype: str, name: str, values: Mapping[str, str]) -> Definition:
        """Make one from plain values."""
        return cls(objtype, name, Attributes(objtype, values))

    def get(self, attribute: str, default: str = "") -> str:
        """Return the value of an attribute, or `default` when it is unset."""
        return self.attributes.get(attribute, default)

    @property
    def text(self) -> str:
        """Return it in the manner of lsdef."""
        values = (f"    {name}={value}" for name, value in self.attributes.shown().items())
        return "\n".join([f"{self.objtype}: {self.name}", *values])

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(self.text)

    def revealed(self) -> Definition:
        """Return the same, with secrets that are printed: for --reveal alone."""
        return Definition(self.objtype, self.name, Attributes(self.objtype, self.attributes, revealed=True))
