"""What was read of some objects: the base against which edits are compared, checked and found to be late. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sbkernel.definitions.store.interface import Values


class Snapshot(dict[str, str]):
    """Objects of one type, as they were read.

    It travels in `DataFrame.attrs`: pandas copies those with every frame, compares them and writes them to files as
    JSON. So a copy of it is itself, it is equal to nothing else, and all that leaves the process is the type.
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
        """Objects as they are shown, a node with what its groups lend it."""
        self.own = own
        """Objects as they are stored, a group with its members."""
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
        """Return the group that lends a node an attribute which it does not have itself, or ""."""
        own = self.own.get(name, {})
        groups = [] if attribute in own else own.get("groups", "").split(",")
        return next((group for group in groups if attribute in self.groups.get(group, {})), "")
