"""What a fan-out over nodes gives: one result per node, good or bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class NodeResult:
    """The outcome on one node: `text` is what xCAT prints after `node: `, or why it failed; `hint` says what to do."""

    node: str
    ok: bool
    text: str
    hint: str | None = None
    untouched: bool = False
    """The command ended before it was this node's turn: nothing was sent to it."""


@dataclass(frozen=True)
class NodeReport(NodeResult):
    """What one node reports: `rows` hold what its `text` says, one line each; none when it failed."""

    rows: Sequence[dict[str, Any]] = field(default=(), repr=False)


def rows_of(reports: Sequence[NodeReport]) -> list[dict[str, Any]]:
    """Return all rows of all nodes, each with its node: what pandas.DataFrame takes. Failures are not among them."""
    return [{"node": report.node, **row} for report in reports for row in report.rows]
