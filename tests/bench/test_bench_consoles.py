"""The row of consoles on a few nodes: every line that they write is in their logs, and nothing is left running."""

from __future__ import annotations

from pathlib import Path

from sbkernel.bench.consoles import row_of
from sbkernel.bench.workspace import workspace


def test_every_line_is_kept(tmp_path: Path) -> None:
    with workspace(lambda _said: None, runs=1, where=tmp_path / "work") as work:
        row = row_of(work, 20, 3)
    assert (row.checks[0].found, row.checks[0].ok) == ("20", True)
    assert row.peer_s[0] > 2
