"""When a change to many nodes at once must be confirmed with their count."""

from __future__ import annotations

from collections.abc import Sequence

from sbkernel.errors import DefinitionError

FREE_COUNT = 8
DISRUPTIVE = frozenset({"off", "softoff", "reset", "boot", "cycle", "nmi"})


def needs_count(action: str, nodes: Sequence[str]) -> bool:
    """Return whether an action on these nodes must be confirmed."""
    return action in DISRUPTIVE and len(nodes) > FREE_COUNT


def check_count(action: str, nodes: Sequence[str], confirm: object) -> None:
    """Raise DefinitionError when an action that stops more than 8 nodes is not confirmed with their exact count."""
    if not needs_count(action, nodes) or confirm == len(nodes):
        return
    said = "" if confirm is None else f", {confirm} were confirmed"
    raise DefinitionError(
        f"{action} would stop {len(nodes)} nodes ({nodes[0]} ... {nodes[-1]}){said}",
        hint=f"confirm with their count: rpower(..., confirm={len(nodes)}) or sb rpower --confirm {len(nodes)}",
    )
