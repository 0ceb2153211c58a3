"""What a fan-out over nodes gives: one result per node, good or bad."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeResult:
    """The outcome on one node: `text` is what xCAT prints after `node: `, or why it failed; `hint` says what to do."""

    node: str
    ok: bool
    text: str
    hint: str | None = None
    untouched: bool = False
    """The command ended before it was this node's turn: nothing was sent to it."""
