"""xCAT's rinv: which of a node's inventory a word asks for, and how it is printed."""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.errors import DefinitionError
from sbkernel.nodes.maintenance import Item

INVENTORY: dict[str, tuple[str, ...]] = {
    "all": (),
    "model": ("model",),
    "serial": ("serial",),
    "asset": ("asset",),
    "vpd": ("model", "serial", "deviceid", "mprom"),
    "mprom": ("mprom",),
    "deviceid": ("deviceid",),
    "guid": ("guid",),
    "uuid": ("guid",),
    "firm": ("mprom", "bios", "firm"),
    "bios": ("bios",),
    "mac": ("mac",),
    "config": ("config",),
    "dimm": ("dimm",),
}
"""The kinds of items that each word asks for; none: all of them."""


def check_inventory(what: str) -> None:
    """Raise DefinitionError for a word that rinv does not have."""
    if what not in INVENTORY:
        raise DefinitionError(f"unsupported command rinv {what}", hint=f"rinv knows: {' '.join(INVENTORY)}")


def wanted(items: Sequence[Item], what: str) -> list[Item]:
    """Return the items that a word asks for."""
    kinds = INVENTORY[what]
    return [item for item in items if not kinds or item.kind in kinds]


def lines(items: Sequence[Item], what: str) -> str:
    """Return what is printed for a node, one line an item."""
    return "\n".join(f"{item.name}: {item.value}" for item in items) or f"its BMC tells nothing of {what}"
